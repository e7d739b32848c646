# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Translation of raw headers, with the official translator of an instrument or with ours.

Source: obs_base, ``RawIngestTask.extractMetadata``.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import InstrumentDefinition
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.exposure import (
    NEEDED,
    WELCOME,
    ExposureInfo,
    RawHeader,
    exposure_from_observation,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.told import (
    describe_translated,
    identify_translated,
    not_of,
    not_told,
)

if TYPE_CHECKING:
    from astro_metadata_translator import MetadataTranslator

_OFFICIAL = "lsst.obs.lsst.translators"
_LOST_KEYWORDS = re.compile(r"[Cc]ould not find (?P<keywords>.+) in header")
_KEYWORD = re.compile(r"[A-Z0-9_-]{1,8}")

UNTRANSLATABLE = (KeyError, TypeError, NotImplementedError)
"""What `~astro_metadata_translator.ObservationInfo` raises for a header: for a keyword that is missing, one
of a wrong type, and a property that the instrument's translator does not know."""


def translator_of(instrument: str) -> type[MetadataTranslator]:
    """Find what translates the headers of an instrument.

    Parameters
    ----------
    instrument : `str`
        Name of the instrument.

    Returns
    -------
    translator : `type` [ `astro_metadata_translator.MetadataTranslator` ]
        The translator that obs_lsst brings, where it is installed; else ours, or one of those that
        astro_metadata_translator itself brings.

    Raises
    ------
    ButlerError
        Raised if nothing translates them.
    """
    from astro_metadata_translator import MetadataTranslator

    _load_lsst_translators()
    translator = MetadataTranslator.get_translator_by_name(instrument)
    if translator is None:
        raise ButlerError(
            f"nothing here translates the raw headers of {instrument}",
            details=[f"known: {', '.join(sorted(MetadataTranslator.translators))}"],
            hint="Install the obs package of the instrument for this Python.",
        )
    return translator


def _load_lsst_translators() -> None:
    """Have the translators of the LSST cameras registered: the official ones if they can be, else ours."""
    try:
        importlib.import_module(_OFFICIAL)
    except ImportError:
        from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers import (  # noqa: F401
            lsst_cam,
            lsst_imsim,
        )


class HeaderReader:
    """Makes records of the headers of one instrument's raw files.

    Parameters
    ----------
    definition : `InstrumentDefinition`
        The instrument.

    Attributes
    ----------
    translator : `type` [ `astro_metadata_translator.MetadataTranslator` ]
        What translates its headers.

    Raises
    ------
    ButlerError
        Raised if nothing translates its headers.
    """

    def __init__(self, definition: InstrumentDefinition) -> None:
        self.definition = definition
        self.translator = translator_of(definition.name)
        self._detectors = frozenset(definition.detector_ids.values())

    @property
    def extension_keyword(self) -> str | None:
        """Keyword of the extensions that are raws of their own (`str`), or `None`: one file is one raw."""
        return "CCDNUM" if self.definition.name == "DECam" else None

    def recognises(self, header: Mapping[str, Any]) -> bool:
        """Return whether a header says that it is of this instrument, or of any other that is known.

        Parameters
        ----------
        header : `~collections.abc.Mapping` [ `str`, `object` ]
            A header.

        Returns
        -------
        recognised : `bool`
            `False` if the header alone does not tell, and the next one in the file has to be merged with it.
        """
        return self._instrument_of(header) is not None

    def has_raw(self, header: Mapping[str, Any]) -> bool:
        """Return whether the header of an extension is that of one of the instrument's detectors.

        Parameters
        ----------
        header : `~collections.abc.Mapping` [ `str`, `object` ]
            Header of an extension.

        Returns
        -------
        has_raw : `bool`
            `False` for the guiders of DECam.
        """
        return header.get(self.extension_keyword or "") in self._detectors

    def identify(self, header: Mapping[str, Any], file: str) -> RawHeader:
        """Read only what tells which raw a file is.

        Parameters
        ----------
        header : `~collections.abc.Mapping` [ `str`, `object` ]
            The file's header.
        file : `str`
            Name of the file, for messages.

        Returns
        -------
        raw : `RawHeader`
            The exposure, detector and filter.

        Raises
        ------
        ButlerError
            Raised if the header is of another instrument, or lacks a keyword that is needed.
        """
        need = self._needed(header, file)
        return RawHeader(
            instrument=self.definition.name,
            exposure=need("exposure_id"),
            detector=need("detector_num"),
            physical_filter=need("physical_filter"),
        )

    def date(self, header: Mapping[str, Any], file: str) -> tuple[int, int]:
        """Read only of which exposure a file is, and of which day.

        Parameters
        ----------
        header : `~collections.abc.Mapping` [ `str`, `object` ]
            The file's header; of a file with many raws its first.
        file : `str`
            Name of the file, for messages.

        Returns
        -------
        exposure : `int`
            Id of the exposure.
        day_obs : `int`
            The day of observation as YYYYMMDD.

        Raises
        ------
        ButlerError
            Raised if the header is of another instrument, or lacks a keyword that is needed.
        """
        need = self._needed(header, file)
        return need("exposure_id"), need("observing_day")

    def _needed(self, header: Mapping[str, Any], file: str) -> Callable[[str], Any]:
        """Give what works out a property of a header, or raises an error that says what is missing."""
        from astro_metadata_translator import fix_header

        self._check_instrument(header, file)
        corrected = dict(header)
        fix_header(corrected, translator_class=self.translator, filename=file)
        translator = self.translator(corrected)

        def need(name: str) -> Any:
            try:
                found = getattr(translator, f"to_{name}")()
            except Exception as error:
                raise self._not_translatable(file, name, error) from error
            if found is None:
                raise self._not_translatable(file, name, ValueError("the header does not tell"))
            return found

        return need

    def identify_told(self, content: str, values: Mapping[str, Any], file: str) -> RawHeader:
        """Tell by a sidecar which raw a file is.

        Parameters
        ----------
        content : {"metadata", "translated"}
            What the sidecar holds.
        values : `~collections.abc.Mapping` [ `str`, `object` ]
            What it has on the file.
        file : `str`
            Name of the file, for messages.

        Returns
        -------
        raw : `RawHeader`
            The exposure, detector and filter.

        Raises
        ------
        ButlerError
            Raised if it is of another instrument, or lacks what is needed.
        """
        if content == "translated":
            return identify_translated(values, self.definition, file)
        return self.identify(values, file)

    def describe_told(self, content: str, values: Mapping[str, Any], file: str) -> ExposureInfo:
        """Read from a sidecar everything that the records of an exposure need.

        Parameters
        ----------
        content : {"metadata", "translated"}
            What the sidecar holds.
        values : `~collections.abc.Mapping` [ `str`, `object` ]
            What it has on one of the exposure's files.
        file : `str`
            Name of the file, for messages.

        Returns
        -------
        exposure : `ExposureInfo`
            The columns.

        Raises
        ------
        ButlerError
            Raised if it is of another instrument, or lacks what is needed.
        """
        if content == "translated":
            return describe_translated(values, self.definition, file)
        return self.describe(values, file)

    def describe(self, header: Mapping[str, Any], file: str) -> ExposureInfo:
        """Read everything that the records of an exposure need; once for each exposure is enough.

        Parameters
        ----------
        header : `~collections.abc.Mapping` [ `str`, `object` ]
            Header of one of its files.
        file : `str`
            Name of the file, for messages.

        Returns
        -------
        exposure : `ExposureInfo`
            The columns.

        Raises
        ------
        ButlerError
            Raised if the header is of another instrument, or lacks a keyword that is needed.
        """
        from astro_metadata_translator import ObservationInfo

        self._check_instrument(header, file)
        try:
            observation = ObservationInfo(
                dict(header),
                filename=file,
                translator_class=self.translator,
                required=set(NEEDED),
                subset=set(NEEDED | WELCOME),
            )
        except UNTRANSLATABLE as error:
            # The operator reads the file's name and what it lacks.
            named = re.search(r"property '?(\w+)", str(error))
            raise self._not_translatable(file, named[1] if named else "metadata", error) from error
        return exposure_from_observation(observation)

    def _instrument_of(self, header: Mapping[str, Any]) -> str | None:
        """Return the name of the instrument that a header is of, or `None`."""
        # A keyword without a value says no more than one that is not there.
        told = {keyword: value for keyword, value in header.items() if value is not None}
        for name, translator in {
            self.definition.name: self.translator,
            **self.translator.translators,
        }.items():
            try:
                if translator.can_translate(told):
                    return name
            except (AttributeError, KeyError, TypeError):
                # A translator of another instrument that takes for granted what this header does not have.
                continue
        return None

    def _check_instrument(self, header: Mapping[str, Any], file: str) -> None:
        """Refuse the header of another instrument."""
        found = self._instrument_of(header)
        if found == self.definition.name:
            return
        said = ", ".join(
            f"{key}={header[key]!r}" for key in ("INSTRUME", "TELESCOP", "TESTTYPE") if header.get(key)
        )
        raise not_of(self.definition, found, said or "its header has no INSTRUME", file)

    def _not_translatable(self, file: str, name: str, error: BaseException) -> ButlerError:
        """Make the error for a property that can't be worked out."""
        cause = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        reason = str(cause.args[0]) if cause.args else type(cause).__name__
        lost = _LOST_KEYWORDS.search(reason)
        if lost:
            keywords = " or ".join(re.findall(r"[\w-]+", lost["keywords"]))
            reason = f"keyword {keywords} is missing or has no value"
        elif isinstance(cause, KeyError) and _KEYWORD.fullmatch(reason):
            reason = f"keyword {reason} is missing or has no value"
        return not_told(name, reason, self.definition, file)
