# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which raw a file is, told by its name alone.

Source: the file names of the LSST observatory (obs_lsst test data and RTN-103) and of imSim (RTN-029).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import InstrumentDefinition
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.observatory import (
    day_of_exposure,
    exposure_number,
)

_SUFFIX = r"\.fits?(\.fz|\.gz)?"
_SLOT = r"(?P<slot>R\d\d_S\w\w)"
_OBSERVATION = r"{camera}_(?P<controller>[A-Z])_(?P<day>\d{{8}})_(?P<number>\d{{6}})"
_OBSERVATORY = _OBSERVATION + "_" + _SLOT + _SUFFIX
_CAMERAS = {"LSSTComCam": "CC", "LSSTCam": "MC"}


@dataclass(frozen=True)
class NameRule:
    """How the raw files of one instrument are named: one raw in each file.

    Parameters
    ----------
    definition : `InstrumentDefinition`
        The instrument.
    pattern : `re.Pattern`
        What a whole file name looks like, with the group ``slot``: the detector's full name.
    exposure : `~collections.abc.Callable`
        Gives the exposure id of a match, or raises `ValueError`.
    """

    definition: InstrumentDefinition
    pattern: re.Pattern[str]
    exposure: Callable[[re.Match[str]], int]

    def __call__(self, name: str) -> tuple[int, int] | None:
        """Tell which raw a file is.

        Parameters
        ----------
        name : `str`
            File name without folder.

        Returns
        -------
        raw : `tuple` [ `int`, `int` ] or `None`
            Exposure and detector; `None` for a name that does not follow the rule.
        """
        match = self.pattern.fullmatch(name)
        if match is None:
            return None
        detector = self.definition.detector_ids.get(match["slot"])
        if detector is None:
            return None
        try:
            return self.exposure(match), detector
        except ValueError:
            return None


def _observatory_exposure(match: re.Match[str]) -> int:
    return exposure_number(match["day"], match["number"], match["controller"])


def name_rule(definition: InstrumentDefinition) -> Callable[[str], tuple[int, int] | None]:
    """Give the rule by which an instrument's raw files are named.

    Parameters
    ----------
    definition : `InstrumentDefinition`
        The instrument.

    Returns
    -------
    rule : `~collections.abc.Callable`
        Takes a file name without folder and gives exposure and detector, or `None` where the name does not
        tell: for DECam, whose files hold many raws, never.
    """
    match definition.name:
        case "LSSTComCam" | "LSSTCam" as name:
            pattern = re.compile(_OBSERVATORY.format(camera=_CAMERAS[name]))
            return NameRule(definition, pattern, _observatory_exposure)
        case "LSSTCam-imSim":
            pattern = re.compile(r"lsst_a_(?P<number>\d+)_" + _SLOT + r"(_\w)?" + _SUFFIX)
            return NameRule(definition, pattern, lambda match: int(match["number"]))
        case _:
            return lambda _name: None


def zip_rule(definition: InstrumentDefinition) -> Callable[[str], int | None]:
    """Give the rule by which the zips of an instrument's exposures are named: ``<obs_id>.zip``.

    Source: transfer_embargo, which makes them at the observatory.

    Parameters
    ----------
    definition : `InstrumentDefinition`
        The instrument.

    Returns
    -------
    rule : `~collections.abc.Callable`
        Takes a file name without folder and gives the exposure, or `None` where the name does not tell.
    """
    camera = _CAMERAS.get(definition.name)
    if camera is None:
        return lambda _name: None
    pattern = re.compile(_OBSERVATION.format(camera=camera) + r"\.zip")

    def exposure(name: str) -> int | None:
        match = pattern.fullmatch(name)
        try:
            return None if match is None else _observatory_exposure(match)
        except ValueError:
            return None

    return exposure


def day_rule(definition: InstrumentDefinition) -> Callable[[int], int | None]:
    """Give the rule by which an instrument's exposure ids tell the day of observation.

    Parameters
    ----------
    definition : `InstrumentDefinition`
        The instrument.

    Returns
    -------
    rule : `~collections.abc.Callable`
        Takes an exposure id and gives the day as YYYYMMDD, or `None` where ids are mere counters.
    """
    if definition.name in _CAMERAS:
        return day_of_exposure
    return lambda _exposure: None
