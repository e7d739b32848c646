# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Formatters that are recorded by name where their package is not installed."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError

if TYPE_CHECKING:
    from lsst.daf.butler import FormatterV2, Location


@cache
def formatter_class(name: str) -> type:
    """Give the class that makes the datastore record a formatter's real name.

    Parameters
    ----------
    name : `str`
        Dotted name, such as ``lsst.obs.base.formatters.fitsExposure.FitsExposureFormatter``.

    Returns
    -------
    formatter : `type`
        The real class if it can be imported, else a class of that name: ingest only needs the name, reading
        needs the real one.

    Raises
    ------
    ButlerError
        Raised if the name is not a dotted name.
    """
    from lsst.utils import doImportType

    module, _unused, qualified = name.rpartition(".")
    if not module or not all(part.isidentifier() for part in name.split(".")):
        raise ButlerError(f"formatter {name!r} is not the dotted name of a class")
    try:
        return doImportType(name)
    except (ImportError, TypeError):
        return _placeholder(module, qualified)


def _placeholder(module: str, qualified: str) -> type[FormatterV2]:
    from lsst.daf.butler import FormatterV2

    def validate_extension(cls: type[FormatterV2], location: Location) -> None:
        """Accept any file: only the real class knows its extensions."""

    return type(
        qualified,
        (FormatterV2,),
        {
            "__module__": module,
            "__qualname__": qualified,
            "validate_extension": classmethod(validate_extension),
        },
    )
