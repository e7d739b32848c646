# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long butler_import takes, beside the official import of the same export files one after the other.

``PYTHONPATH=var/collections python -m bench.imports [--datasets 100000] [--files 1000] [--registry sqlite]
[--json FILE]``, with transfer direct, on SQLite and on a PostgreSQL server of our own: ours into a fresh
repository while one artifact in a hundred is missing; again with nothing new; again when those have arrived;
and once more. The official ``Butler.import_`` of each of the files, into another repository when all
artifacts are there, is the baseline.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import types
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.measure import Figure, measure, report
from bench.raws import REGISTRIES, database

FORMATTER = "lsst.obs.base.formatters.fitsGeneric.FitsGenericFormatter"
FIRST = 131_072
"""The first pixel of level 7 (there are as many)."""
RUN = "refcats/bench"
LATE = 100
"""Of how many artifacts one arrives late."""


def write_export(path: Path, datasets: int) -> None:
    """Write an export of reference catalogue shards, and their files.

    Parameters
    ----------
    path : `~pathlib.Path`
        The export file; the artifacts are beside it.
    datasets : `int`
        How many, at most 131,072 for each run.
    """
    _write(path, 0, datasets)


def write_exports(folder: Path, datasets: int, files: int) -> list[Path]:
    """Write the same in numbered files.

    Parameters
    ----------
    folder : `~pathlib.Path`
        Where the files are to be, and the artifacts beside them.
    datasets : `int`
        How many in all.
    files : `int`
        In how many files.

    Returns
    -------
    paths : `list` [ `~pathlib.Path` ]
        The export files.
    """
    paths = [folder / f"_export_{number:03}.yaml" for number in range(files)]
    for number, path in enumerate(paths):
        _write(path, number * datasets // files, (number + 1) * datasets // files)
    return paths


def _write(path: Path, first: int, end: int) -> None:
    """Write an export of some of the shards, counted from 0, with their files."""
    with path.open("w") as stream:
        stream.write("description: Butler Data Repository Export\nversion: 1.0.2\n")
        stream.write("universe_version: 7\nuniverse_namespace: daf_butler\ndata:\n")
        stream.write("- type: dataset_type\n  name: shard\n  dimensions: [htm7]\n")
        stream.write("  storage_class: SimpleCatalog\n  is_calibration: false\n")
        for number in range(first // FIRST, (end - 1) // FIRST + 1):
            run, start = f"{RUN}/{number}", number * FIRST
            stream.write(f"- type: collection\n  collection_type: RUN\n  name: {run}\n")
            stream.write("  host: null\n  timespan_begin: null\n  timespan_end: null\n")
            stream.write(f"- type: dataset\n  dataset_type: shard\n  run: {run}\n  records:\n")
            for index in range(max(first, start), min(start + FIRST, end)):
                stream.write(
                    f"  - dataset_id:\n    - !uuid '{uuid.UUID(int=index + (4 << 76) + (8 << 60))}'\n"
                )
                stream.write(f"    data_id:\n    - htm7: {FIRST + index - start}\n")
                stream.write(f"    path: shards/{index}.fits\n    formatter: {FORMATTER}\n")
    (path.parent / "shards").mkdir(exist_ok=True)
    for index in range(first, end):
        (path.parent / f"shards/{index}.fits").touch()


def official(repo: str, exports: list[str], registry: dict[str, str] | None) -> Callable[[], None]:
    """Prepare the official import of one file after the other."""
    from ansible_collections.rubin.butler.plugins.module_utils._butler.formatters import formatter_class
    from lsst.daf.butler import Butler

    module, _unused, name = FORMATTER.rpartition(".")
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        sys.modules.setdefault(".".join(parts[:depth]), types.ModuleType(".".join(parts[:depth])))
    setattr(sys.modules[module], name, formatter_class(FORMATTER))
    create(repo, registry)

    def run() -> None:
        with Butler.from_config(repo, writeable=True) as butler:
            for export in exports:
                butler.import_(directory=str(Path(export).parent), filename=export, transfer="direct")

    return run


def create(repo: str, registry: dict[str, str] | None) -> None:
    """Make a repository; on SQLite where no ``db`` and ``namespace`` are given."""
    from lsst.daf.butler import Butler, Config

    Butler.makeRepo(repo, Config({"registry": registry}) if registry else None)


def ours(
    repo: str,
    exports: str | list[str],
    fresh: bool,
    registry: dict[str, str] | None = None,
    added: int | None = None,
) -> Callable[[], None]:
    """Prepare our import of one file or of many, in one task.

    Parameters
    ----------
    repo : `str`
        The repository.
    exports : `str` or `list` [ `str` ]
        The export files.
    fresh : `bool`
        Whether it is to be made first.
    registry : `dict`, optional
        ``db`` and ``namespace`` of its registry; SQLite if there are none.
    added : `int`, optional
        How many objects the import has to add; any number if not given.

    Returns
    -------
    work : `~collections.abc.Callable`
        The import.
    """
    from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
    from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import converge
    from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
    from ansible_collections.rubin.butler.plugins.module_utils._states.imports.state import ImportsState

    # What the task takes for the import of daf_butler is left out, as everywhere.
    from lsst.daf.butler import Butler  # noqa: F401

    if fresh:
        create(repo, registry)
    files = [exports] if isinstance(exports, str) else exports
    imports = [{"file": file, "directory": str(Path(file).parent), "transfer": "direct"} for file in files]

    def run() -> None:
        state = ImportsState.from_params({"imports": imports, **DEFAULTS})
        repository = open_repository(repo, writeable=True)
        outcome = converge(state, repository, check_mode=False, report=Report())
        if added is not None and outcome.stats["added"] != added:
            raise RuntimeError(f"added {outcome.stats['added']}, not {added}")

    return run


DEFAULTS: dict[str, Any] = {
    "directory": None,
    "transfer": "auto",
    "path_map": {},
    "skip_dimensions": [],
    "on_missing": "skip",
    "on_conflict": "fail",
    "import_chains": True,
}


def figures_of(kind: str, folder: Path, datasets: int, files: int) -> list[Figure]:
    """Measure on one kind of registry.

    Parameters
    ----------
    kind : {"sqlite", "postgresql"}
        The registry.
    folder : `~pathlib.Path`
        For the repositories and the data.
    datasets, files : `int`
        How many datasets in how many export files.

    Returns
    -------
    figures : `list` [ `Figure` ]
        The baseline is the first.
    """
    data = folder / kind
    data.mkdir()
    exports = [str(path) for path in write_exports(data, datasets, files)]
    late = [data / f"shards/{index}.fits" for index in range(0, datasets, LATE)]
    runs = (datasets - 1) // FIRST + 1

    with database(kind) as registry:
        theirs, mine = (
            (f"{folder}/{kind}-{who}", {**registry, "namespace": who} if registry else None)
            for who in ("official", "ours")
        )
        for path in late:
            path.unlink()

        def measured(what: str, fresh: bool, added: int) -> Figure:
            repo, where = mine
            name = f"butler_import, {what}, {kind}"
            return measure(name, datasets, ours, repo, exports, fresh, where, added)

        found = [
            measured("first", True, datasets - len(late) + runs + 1),
            measured("nothing new", False, 0),
        ]
        for path in late:
            path.touch()
        found += [measured("1 % more artifacts", False, len(late)), measured("all there", False, 0)]
        baseline = measure(
            f"official import in a loop, {kind}", datasets, official, theirs[0], exports, theirs[1]
        )
    return [baseline, *found]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=100_000)
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--registry", choices=REGISTRIES, action="append", help="both if not given")
    parser.add_argument("--json", type=Path, help="PostgreSQL's figures go beside it")
    arguments = parser.parse_args()
    for kind in arguments.registry or REGISTRIES:
        with tempfile.TemporaryDirectory() as folder:
            figures = figures_of(kind, Path(folder), arguments.datasets, arguments.files)
        path: Path | None = arguments.json
        if path is not None and kind != REGISTRIES[0]:
            path = path.with_name(f"{path.stem}-{kind}{path.suffix}")
        report(figures, figures[0], path)


if __name__ == "__main__":
    main()
