# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the states of butler_repo, and makes repositories for them to find."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome, converge
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.repository import RepositoryState
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_removal import (
    AbsentRepositoryState,
)
from lsst.daf.butler import Butler, Config, DatasetRef, DatasetType, FileDataset
from sqlalchemy import event
from sqlalchemy.engine import Engine

OBSCORE = {
    "cls": "lsst.daf.butler.registry.obscore.ObsCoreLiveTableManager",
    "config": {
        "namespace": "daf_butler_obscore",
        "version": 0,
        "facility_name": "Rubin",
        "collection_type": "RUN",
        "collections": ["run"],
        "dataset_types": {
            "frame": {"dataproduct_type": "image", "calib_level": 1, "obs_id_fmt": "{detector}"}
        },
    },
}


def params(root: Path | str, seed: Any = None, **more: Any) -> dict[str, Any]:
    """Give a task's arguments, checked."""
    return {
        "repo": str(root),
        "state": "present",
        "seed_config": seed,
        "seed_config_file": None,
        "override": False,
        "standalone": False,
        "on_conflict": "fail",
        "confirm": None,
        **more,
    }


def present(root: Path | str, seed: Any = None, *, check: bool = False, **more: Any) -> Outcome:
    """Declare that a repository exists; half of one is completed without delay."""
    state = RepositoryState.from_params(params(root, seed, **more))
    state.grace = 0.0
    return converge(state, None, check_mode=check, report=Report())


def absent(root: Path | str, confirm: Path | str | None = None, *, check: bool = False) -> Outcome:
    """Declare that a repository does not exist; confirmed unless something else is given."""
    confirmation = str(root if confirm is None else confirm) or None
    state = AbsentRepositoryState.from_params(params(root, state="absent", confirm=confirmation))
    return converge(state, None, check_mode=check, report=Report())


def fill(root: Path, folder: Path, *, direct: bool = True) -> list[DatasetRef]:
    """Put two datasets into a repository, and ingest a third in place from a folder.

    Parameters
    ----------
    root : `pathlib.Path`
        The repository.
    folder : `pathlib.Path`
        Where the file of the third is made.
    direct : `bool`, optional
        Whether there is to be a third.

    Returns
    -------
    refs : `list` [ `lsst.daf.butler.DatasetRef` ]
        The datasets.
    """
    with Butler.from_config(root, writeable=True) as butler:
        registry = butler.registry
        registry.insertDimensionData(
            "instrument",
            {"name": "Cam", "visit_max": 9, "visit_system": 0, "exposure_max": 9, "detector_max": 9,
             "class_name": "Cam"},
        )  # fmt: skip
        registry.insertDimensionData(
            "detector", *[{"instrument": "Cam", "id": i, "full_name": f"D{i}"} for i in range(3)]
        )
        dataset_type = DatasetType(
            "frame", ["instrument", "detector"], "StructuredDataDict", universe=butler.dimensions
        )
        registry.registerDatasetType(dataset_type)
        butler.collections.register("run")
        refs = [
            butler.put({"detector": i}, dataset_type, instrument="Cam", detector=i, run="run")
            for i in range(2)
        ]
        if direct:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "d2.yaml").write_text("detector: 2\n")
            data_id = registry.expandDataId(instrument="Cam", detector=2)
            refs.append(DatasetRef(dataset_type, data_id, "run"))
            butler.ingest(FileDataset(folder / "d2.yaml", refs[-1:]), transfer="direct")
    return refs


def official(root: Path, seed: Any = None, *, override: bool = False, standalone: bool = False) -> None:
    """Create a repository as ``butler create`` does."""
    Butler.makeRepo(root, Config(seed or {}), forceConfigRoot=not override, standalone=standalone)


def killed(work: Callable[[], object], at: Callable[[str], bool]) -> bool:
    """Do something in a process that is killed at an SQL statement.

    Parameters
    ----------
    work : `~collections.abc.Callable`
        What to do.
    at : `~collections.abc.Callable`
        Told each statement just before it is executed, and ``commit``; says whether to die.

    Returns
    -------
    killed : `bool`
        Whether it was killed; false if it had finished.
    """

    def child() -> None:
        def look(statement: str) -> None:
            if at(statement):
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(Engine, "before_cursor_execute", lambda _c, _k, statement, *_unused: look(statement))
        event.listen(Engine, "commit", lambda _c: look("commit"))
        work()

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL), f"it failed ({process.exitcode})"
    return bool(process.exitcode == -signal.SIGKILL)


def nth(number: int, word: str = "") -> Callable[[str], bool]:
    """Die at the given one, counted from 1, of the statements that start with a word."""
    count = 0

    def at(statement: str) -> bool:
        nonlocal count
        count += statement.lstrip().startswith(word)
        return count == number

    return at
