# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a raw file is, from its translated header in an index or a sidecar.

Source: astro_metadata_translator (``ObservationInfo.from_simple``) and obs_base
(``RawIngestTask._calculate_dataset_info``) for what has to be there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import InstrumentDefinition
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.exposure import (
    NEEDED,
    WELCOME,
    ExposureInfo,
    RawHeader,
    exposure_from_observation,
)

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo

_Plain = TypeVar("_Plain", int, str)

_USED = NEEDED | WELCOME
_WORDS = {int: "a whole number", str: "a text"}


def identify_translated(values: Mapping[str, Any], definition: InstrumentDefinition, file: str) -> RawHeader:
    """Tell which raw a file is.

    Parameters
    ----------
    values : `~collections.abc.Mapping` [ `str`, `object` ]
        Simple form of an `~astro_metadata_translator.ObservationInfo`.
    definition : `InstrumentDefinition`
        The instrument that the file is expected to be of.
    file : `str`
        Name of the file, for messages.

    Returns
    -------
    raw : `RawHeader`
        The exposure, detector and filter.

    Raises
    ------
    ButlerError
        Raised if the file is of another instrument, or if a property is missing or of a wrong type.
    """
    _check_instrument(values, definition, file)
    return RawHeader(
        instrument=definition.name,
        exposure=_need(values, "exposure_id", int, definition, file),
        detector=_need(values, "detector_num", int, definition, file),
        physical_filter=_need(values, "physical_filter", str, definition, file),
    )


def describe_translated(
    values: Mapping[str, Any], definition: InstrumentDefinition, file: str
) -> ExposureInfo:
    """Tell everything that the records of an exposure need; once for each exposure is enough.

    Parameters
    ----------
    values : `~collections.abc.Mapping` [ `str`, `object` ]
        Simple form of an `~astro_metadata_translator.ObservationInfo`.
    definition : `InstrumentDefinition`
        The instrument that the file is expected to be of.
    file : `str`
        Name of the file, for messages.

    Returns
    -------
    exposure : `ExposureInfo`
        The columns.

    Raises
    ------
    ButlerError
        Raised if the file is of another instrument, or if a property is missing or of a wrong type.
    """
    _check_instrument(values, definition, file)
    observation = _observation(values, definition, file)
    # The library fills in what its early versions did not write: only now is it known what is missing.
    missing = sorted(name for name in NEEDED if getattr(observation, name) is None)
    if missing:
        raise not_told(", ".join(missing), "its sidecar does not tell", definition, file)
    return exposure_from_observation(observation)


def _observation(values: Mapping[str, Any], definition: InstrumentDefinition, file: str) -> ObservationInfo:
    """Make the object of the properties that are used; others, of later versions too, are left alone."""
    from astro_metadata_translator import ObservationInfo
    from pydantic import ValidationError

    try:
        return ObservationInfo.from_simple({name: values[name] for name in values if name in _USED})
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "metadata"
        reason = f"its sidecar has {values.get(name)!r}: {first['msg']}"
        raise not_told(name, reason, definition, file) from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # What the types of astropy raise for values that they can't be made of.
        raise not_told(
            "metadata", f"its sidecar has a value that is none: {error}", definition, file
        ) from error


def _check_instrument(values: Mapping[str, Any], definition: InstrumentDefinition, file: str) -> None:
    """Refuse what is told of a file of another instrument."""
    found = values.get("instrument")
    if found == definition.name:
        return
    said = f"instrument={found!r} in its sidecar" if found else "its sidecar has no instrument"
    raise not_of(definition, found, said, file)


def _need(
    values: Mapping[str, Any], name: str, kind: type[_Plain], definition: InstrumentDefinition, file: str
) -> _Plain:
    """Give a property, which has to be there."""
    value = values.get(name)
    if isinstance(value, kind) and not isinstance(value, bool):
        return value
    reason = (
        "its sidecar does not tell"
        if value is None
        else f"its sidecar has {value!r}, expected {_WORDS[kind]}"
    )
    raise not_told(name, reason, definition, file)


def not_of(definition: InstrumentDefinition, found: str | None, said: str, file: str) -> ButlerError:
    """Make the error for a file of another instrument.

    Parameters
    ----------
    definition : `InstrumentDefinition`
        The instrument that the file is expected to be of.
    found : `str` or `None`
        The one that it is of, if that is known.
    said : `str`
        What tells so.
    file : `str`
        Name of the file.

    Returns
    -------
    error : `ButlerError`
        To be raised.
    """
    whose = f"a raw of {found}" if found else "no raw of an instrument that is known here"
    return ButlerError(f"{file} is {whose} ({said}), expected a raw of {definition.name}")


def not_told(name: str, reason: str, definition: InstrumentDefinition, file: str) -> ButlerError:
    """Make the error for a property that is not there or makes no sense.

    Parameters
    ----------
    name, reason : `str`
        Which one, and why it can't be worked out.
    definition : `InstrumentDefinition`
        The instrument.
    file : `str`
        Name of the file.

    Returns
    -------
    error : `ButlerError`
        To be raised.
    """
    return ButlerError(f"{file}: can't work out {name} of a raw of {definition.name}: {reason}")
