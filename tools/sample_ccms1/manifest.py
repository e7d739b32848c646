# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a repository must hold when the campaign is done, counted from what the sample was planned to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from tools.samples.exports import Export
from tools.samples.manifest import Counts, count_exported, manifest_content

from .campaign import DETECTORS, GOOD_RAWS, INSTRUMENT, RAW_RUN
from .exposures import all_exposures, good_exposures
from .refcats import CATALOGUES, shards
from .solar_system import EPHEMERIDES, TAGGED


def _raws() -> dict[str, object]:
    exposures = all_exposures()
    days: dict[str, Counter[str]] = {}
    for each in exposures:
        days.setdefault(str(each.day_obs), Counter())[each.observation_type] += 1
    return {
        "instrument": INSTRUMENT,
        "exposures": len(exposures),
        "exposures_by_day": {day: dict(sorted(counts.items())) for day, counts in days.items()},
        "files": len(exposures) * len(DETECTORS),
        "groups": len({each.group for each in exposures}),
        "science_exposures": sum(each.observation_type == "science" for each in exposures),
    }


def _datasets(exports: Iterable[Export]) -> Counts:
    """Count datasets by collection and type, in RUN, CALIBRATION and TAGGED collections."""
    counts = count_exported(exports)
    good = len(good_exposures()) * len(DETECTORS)
    counts[RAW_RUN] = Counter(raw=len(all_exposures()) * len(DETECTORS))
    counts[GOOD_RAWS] = Counter(raw=good)
    counts[TAGGED] = Counter({EPHEMERIDES.name: good})
    for catalogue in CATALOGUES:
        counts[catalogue.run] = Counter({catalogue.name: len(shards())})
    return counts


def content(exports: tuple[Export, ...], files: Mapping[str, bytes]) -> bytes:
    """Return the bytes of the manifest.

    Parameters
    ----------
    exports : `tuple` [ `Export`, ... ]
        The export files.
    files : `~collections.abc.Mapping` [ `str`, `bytes` ]
        All files but the manifest.

    Returns
    -------
    content : `bytes`
        JSON: ``raws``, ``good_visits``, ``datasets`` (numbers by collection and dataset type), ``exports``
        and ``files``.
    """
    facts = {"raws": _raws(), "good_visits": [each.id for each in good_exposures()]}
    return manifest_content(facts, _datasets(exports), exports, files)
