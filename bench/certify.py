# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long butler_certify takes, beside a bare ``registry.certify`` of the same datasets.

``PYTHONPATH=var/collections python -m bench.certify [--datasets 10000] [--json FILE]``, on an SQLite
registry: the baseline is the call alone, its datasets at hand and the repository open; the official procedure
and ours open the repository and find the datasets too. Then ours again with nothing new, with other datasets
in their place for some of the time, and with nothing valid for some of it.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.measure import measure, report

CALIB, FIRST, SECOND = "calib", "bias/1", "bias/2"
BEGIN, END = "2000-01-01T00:00:00", "2050-01-01T00:00:00"


def make(repo: str, count: int) -> None:
    """Make a repository with two runs of biases.

    Parameters
    ----------
    repo : `str`
        Where.
    count : `int`
        How many detectors there are.
    """
    from lsst.daf.butler import Butler, DatasetType

    Butler.makeRepo(repo)
    with Butler.from_config(repo, writeable=True) as butler:
        registry, camera = butler.registry, {"instrument": "Cam"}
        limits = {"detector_max": count, "visit_max": 1, "exposure_max": 1}
        registry.insertDimensionData("instrument", {"name": "Cam", **limits})
        registry.insertDimensionData(
            "detector", *({**camera, "id": number, "full_name": f"d{number}"} for number in range(count))
        )
        kind = DatasetType("bias", ["detector"], "ExposureF", universe=butler.dimensions, isCalibration=True)
        registry.registerDatasetType(kind)
        for run in (FIRST, SECOND):
            butler.collections.register(run)
            registry.insertDatasets(kind, [{**camera, "detector": number} for number in range(count)], run)


def bare(repo: str, count: int) -> Callable[[], None]:
    """Prepare the call alone."""
    from astropy.time import Time
    from lsst.daf.butler import Butler, CollectionType, Timespan

    make(repo, count)
    butler = Butler.from_config(repo, writeable=True)
    butler.collections.register(CALIB, CollectionType.CALIBRATION)
    refs = butler.query_datasets("bias", FIRST, limit=None)
    timespan = Timespan(Time(BEGIN, scale="tai"), Time(END, scale="tai"))
    return lambda: butler.registry.certify(CALIB, refs, timespan)


def official(repo: str, count: int) -> Callable[[], None]:
    """Prepare the official procedure."""
    from lsst.daf.butler.script.certifyCalibrations import certifyCalibrations

    make(repo, count)
    return lambda: certifyCalibrations(repo, FIRST, CALIB, "bias", BEGIN, END, False)


def ours(repo: str, count: int | None, run: str | None, begin: str, end: str) -> Callable[[], None]:
    """Prepare ours, in a new repository where a count is given; without a run nothing is to be valid."""
    from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
    from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import converge
    from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
    from ansible_collections.rubin.butler.plugins.module_utils._states.certify.state import CertifyState
    from lsst.daf.butler import Butler

    Butler.get_known_repos()  # so that what it imports when it is first used is not counted
    if count is not None:
        make(repo, count)
    datasets: dict[str, Any] = {"dataset_type": ["bias"], "collections": [run] if run else None}
    certification = {
        "collection": CALIB,
        "datasets": [{**datasets, "where": None, "bind": None, "data_ids": None}],
        "begin": begin,
        "end": end,
        "prune": False,
        "state": "present" if run else "absent",
    }
    params = {"certifications": [certification], "on_missing": "fail", "on_conflict": "replace"}
    state = CertifyState.from_params(params)

    def work() -> None:
        repository = open_repository(repo, writeable=True)
        with repository.butler:
            converge(state, repository, check_mode=False, report=Report())

    return work


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    count = arguments.datasets
    some = "2010-01-01", "2020-01-01"
    with tempfile.TemporaryDirectory() as folder:
        mine = f"{folder}/ours"
        baseline = measure("registry.certify", count, bare, f"{folder}/bare", count)
        figures = [
            baseline,
            measure("official certify-calibrations", count, official, f"{folder}/official", count),
            measure("butler_certify", count, ours, mine, count, FIRST, BEGIN, END),
            measure("butler_certify, nothing new", count, ours, mine, None, FIRST, BEGIN, END),
            measure("butler_certify, others for some years", count, ours, mine, None, SECOND, *some),
            measure("butler_certify, none for some years", count, ours, mine, None, None, *some),
        ]
        report(figures, baseline, arguments.json)


if __name__ == "__main__":
    main()
