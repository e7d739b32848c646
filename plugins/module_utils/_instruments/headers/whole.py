# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that a raw header says, translated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.exposure import NEEDED
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.translate import (
    UNTRANSLATABLE,
    HeaderReader,
)


def translate_whole(reader: HeaderReader, header: Mapping[str, Any], file: str) -> dict[str, Any]:
    """Translate a header, as the official tool does for an index.

    Parameters
    ----------
    reader : `HeaderReader`
        Of the instrument that the header is expected to be of; its ``identify`` has taken the header.
    header : `~collections.abc.Mapping` [ `str`, `object` ]
        The header.
    file : `str`
        Name of the file, for messages.

    Returns
    -------
    values : `dict` [ `str`, `object` ]
        The simple form of its `~astro_metadata_translator.ObservationInfo`. A property that the header does
        not tell, and that ingesting does not need, is left out; the official tool would refuse the file.

    Raises
    ------
    ButlerError
        Raised if the header lacks a keyword without which the file can't be ingested.
    """
    from astro_metadata_translator import ObservationInfo

    try:
        observation = ObservationInfo(
            dict(header), filename=file, translator_class=reader.translator, quiet=True
        )
    except UNTRANSLATABLE as error:
        raise ButlerError(f"{file}: its header can't be translated: {error}") from error
    values = dict(observation.to_simple())
    missing = NEEDED - values.keys()
    if missing:
        # This knows which keyword it is that the header lacks.
        reader.describe(header, file)
        raise ButlerError(f"{file}: its header does not tell {', '.join(sorted(missing))}")
    return values
