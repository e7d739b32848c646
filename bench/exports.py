# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long butler_export takes, beside the official export of the same datasets, and with how much memory.

``PYTHONPATH=var/collections python -m bench.exports [--datasets 100000] [--json FILE]``, on an SQLite
registry, artifacts ingested in place: the official ``Butler.export`` is the baseline; then ours, again with
nothing new, and in files of 10,000 datasets.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.imports import RUN, ours, write_export
from bench.measure import measure, report

PART = 10_000


def official(repo: str, file: str) -> Callable[[], None]:
    """Prepare the official export."""
    from lsst.daf.butler import Butler

    def run() -> None:
        with Butler.from_config(repo) as butler, butler.export(filename=file) as export:
            export.saveDatasets(
                butler.query_datasets("shard", collections=f"{RUN}/*", find_first=False, limit=None)
            )

    return run


def export(repo: str, file: str, most: int | None, changes: bool) -> Callable[[], None]:
    """Prepare our export."""
    # What the task takes for the import of daf_butler is left out, as everywhere.
    import lsst.daf.butler  # noqa: F401
    from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import converge
    from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
    from ansible_collections.rubin.butler.plugins.module_utils._states.exports.state import ExportsState

    one = {
        "file": file,
        "dataset_type": ["shard"],
        "collections": [f"{RUN}/*"],
        "where": None,
        "bind": None,
        "with_collections": None,
        "export_chains": True,
        "skip_dimensions": None,
        "transfer": "none",
        "directory": None,
        "max_datasets": most,
        "mode": None,
    }
    options = {"repo": repo, "exports": [one], "on_missing": "fail", "on_conflict": "fail", "prune": False}

    def run() -> None:
        outcome = converge(ExportsState.from_params(options), None, check_mode=False, report=Report())
        if outcome.changed != changes:
            raise RuntimeError(f"changed is {outcome.changed}")

    return run


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datasets", type=int, default=100_000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    count = arguments.datasets
    with tempfile.TemporaryDirectory() as folder:
        data, repo = Path(folder, "data"), f"{folder}/repo"
        data.mkdir()
        write_export(data / "export.yaml", count)
        measure("(making the repository)", count, ours, repo, str(data / "export.yaml"), True)
        one, cut = f"{folder}/one.yaml", f"{folder}/cut.yaml"
        baseline = measure("official export", count, official, repo, f"{folder}/official.yaml")
        figures = [
            baseline,
            measure("butler_export", count, export, repo, one, None, True),
            measure("butler_export, nothing new", count, export, repo, one, None, False),
            measure(f"butler_export, files of {PART}", count, export, repo, cut, PART, True),
        ]
        report(figures, baseline, arguments.json)


if __name__ == "__main__":
    main()
