# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long butler_import takes, beside the official import of the same export file.

``PYTHONPATH=var/collections python -m bench.imports [--datasets 100000] [--json FILE]``, on an SQLite
registry with transfer direct: the official ``Butler.import_`` into a fresh repository is the baseline; then
ours into another, again with nothing new, and again with one dataset in a hundred missing.
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

from bench.measure import measure, report

FORMATTER = "lsst.obs.base.formatters.fitsGeneric.FitsGenericFormatter"
FIRST = 131_072
"""The first pixel of level 7 (there are as many)."""
RUN = "refcats/bench"


def write_export(path: Path, datasets: int) -> None:
    """Write an export of reference catalogue shards, and their files.

    Parameters
    ----------
    path : `~pathlib.Path`
        The export file; the artifacts are beside it.
    datasets : `int`
        How many, at most 131,072 for each run.
    """
    with path.open("w") as stream:
        stream.write("description: Butler Data Repository Export\nversion: 1.0.2\n")
        stream.write("universe_version: 7\nuniverse_namespace: daf_butler\ndata:\n")
        stream.write("- type: dataset_type\n  name: shard\n  dimensions: [htm7]\n")
        stream.write("  storage_class: SimpleCatalog\n  is_calibration: false\n")
        for number, start in enumerate(range(0, datasets, FIRST)):
            run = f"{RUN}/{number}"
            stream.write(f"- type: collection\n  collection_type: RUN\n  name: {run}\n")
            stream.write("  host: null\n  timespan_begin: null\n  timespan_end: null\n")
            stream.write(f"- type: dataset\n  dataset_type: shard\n  run: {run}\n  records:\n")
            for index in range(start, min(start + FIRST, datasets)):
                stream.write(
                    f"  - dataset_id:\n    - !uuid '{uuid.UUID(int=index + (4 << 76) + (8 << 60))}'\n"
                )
                stream.write(f"    data_id:\n    - htm7: {FIRST + index - start}\n")
                stream.write(f"    path: shards/{index}.fits\n    formatter: {FORMATTER}\n")
    (path.parent / "shards").mkdir()
    for index in range(datasets):
        (path.parent / f"shards/{index}.fits").touch()


def official(repo: str, export: str) -> Callable[[], None]:
    """Prepare the official import."""
    from ansible_collections.rubin.butler.plugins.module_utils._butler.formatters import formatter_class
    from lsst.daf.butler import Butler

    module, _unused, name = FORMATTER.rpartition(".")
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        sys.modules.setdefault(".".join(parts[:depth]), types.ModuleType(".".join(parts[:depth])))
    setattr(sys.modules[module], name, formatter_class(FORMATTER))
    Butler.makeRepo(repo)

    def run() -> None:
        with Butler.from_config(repo, writeable=True) as butler:
            butler.import_(directory=str(Path(export).parent), filename=export, transfer="direct")

    return run


def ours(repo: str, export: str, create: bool) -> Callable[[], None]:
    """Prepare our import."""
    from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
    from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import converge
    from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
    from ansible_collections.rubin.butler.plugins.module_utils._states.imports.state import ImportsState
    from lsst.daf.butler import Butler

    if create:
        Butler.makeRepo(repo)

    def run() -> None:
        one = {"file": export, "directory": str(Path(export).parent), "transfer": "direct"}
        state = ImportsState.from_params({"imports": [one], **DEFAULTS})
        converge(state, open_repository(repo, writeable=True), check_mode=False, report=Report())

    return run


DEFAULTS: dict[str, Any] = {
    "directory": None,
    "transfer": "auto",
    "path_map": [],
    "skip_dimensions": [],
    "on_missing": "fail",
    "on_conflict": "fail",
    "import_chains": True,
}


def forget(repo: str, datasets: int) -> Callable[[], None]:
    """Prepare the loss of every hundredth dataset."""
    from lsst.daf.butler import Butler

    def run() -> None:
        with Butler.from_config(repo, writeable=True) as butler:
            refs = butler.query_datasets("shard", collections=f"{RUN}/*", find_first=False, limit=None)
            lost = sorted(refs, key=lambda ref: str(ref.id))[:: max(1, len(refs) // (datasets // 100))]
            butler.pruneDatasets(lost, disassociate=True, unstore=True, purge=True)

    return run


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=100_000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    count = arguments.datasets
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        data.mkdir()
        export = data / "export.yaml"
        write_export(export, count)
        theirs, mine = f"{folder}/official", f"{folder}/ours"
        baseline = measure("official import", count, official, theirs, str(export))
        figures = [
            baseline,
            measure("butler_import", count, ours, mine, str(export), True),
            measure("butler_import, nothing new", count, ours, mine, str(export), False),
        ]
        measure("(losing 1 %)", count, forget, mine, count)
        figures.append(measure("butler_import, 1 % missing", count, ours, mine, str(export), False))
        report(figures, baseline, arguments.json)


if __name__ == "__main__":
    main()
