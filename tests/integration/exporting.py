# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports that butler_export makes, and what is in them."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome, converge
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.state import ExportsState

from tests.integration.exports import CHAIN, TAG, sections_of

OPTIONS: dict[str, Any] = {
    "where": None,
    "bind": None,
    "with_collections": None,
    "export_chains": True,
    "skip_dimensions": None,
    "transfer": "none",
    "directory": None,
    "max_datasets": None,
    "mode": None,
}


@dataclass(frozen=True)
class Exported:
    """What a run has done.

    Parameters
    ----------
    outcome : `Outcome`
        What changed.
    exports : `list` [ `dict` ]
        What the module returns about the exports.
    """

    outcome: Outcome
    exports: list[dict[str, Any]]

    @property
    def files(self) -> list[Path]:
        """The files of the first export (`list` [ `pathlib.Path` ])."""
        return [Path(path) for path in self.exports[0]["files"]]

    def told(self, *kinds: str) -> dict[str, tuple[Any, Any]]:
        """Give before and after of changes by name, without the end of names that tells the export."""
        end = f" {self.exports[0]['file']}"
        return {
            change.name.removesuffix(end): (change.before, change.after)
            for change in self.outcome.changes
            if change.kind in kinds
        }

    def contents(self) -> dict[str, tuple[Any, Any]]:
        """Give what is different in the files."""
        return self.told(
            *(f"exported {each}" for each in ("associations", "collections", "datasets", "records"))
        )


def declared(repo: Path | str, *exports: Mapping[str, Any], **options: Any) -> dict[str, Any]:
    """Give the checked arguments of the module."""
    given = {"on_missing": "fail", "on_conflict": "fail", "prune": False, **options}
    return {"repo": str(repo), "exports": [{**OPTIONS, **export} for export in exports], **given}


def calibrations(file: Path, **options: Any) -> dict[str, Any]:
    """Declare the export of what `tests.integration.exports.write_calibrations` makes."""
    return {
        "file": str(file),
        "dataset_type": ["*"],
        "collections": [CHAIN],
        "with_collections": [TAG],
        **options,
    }


def export_here(
    repo: Path | str,
    *exports: Mapping[str, Any],
    check: bool = False,
    report: Report | None = None,
    **options: Any,
) -> Exported:
    """Converge exports in this process."""
    state = ExportsState.from_params(declared(repo, *exports, **options))
    outcome = converge(state, None, check_mode=check, report=report or Report())
    return Exported(outcome, state.findings()["exports"])


def content_of(*files: Path) -> dict[str, list[str]]:
    """Write down what exports hold, whatever the order and the files."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in files:
        for data in sections_of(file):
            kind = data["type"]
            if kind == "dimension":
                found[f"{data['element']} records"] |= {
                    repr(sorted(record.items())) for record in data["records"]
                }
            elif kind == "dataset":
                for record in data["records"]:
                    rest = (record["path"], record["formatter"], data["run"])
                    pairs = zip(record["dataset_id"], record["data_id"], strict=True)
                    found[data["dataset_type"]] |= {repr((*pair, *rest)) for pair in pairs}
            elif kind == "associations" and data["collection_type"] == "TAGGED":
                found[data["collection"]] |= set(map(repr, data["dataset_ids"]))
            elif kind == "associations":
                found[data["collection"]] |= {
                    repr((dataset, str(span["timespan"])))
                    for span in data["validity_ranges"]
                    for dataset in span["dataset_ids"]
                }
            else:
                found[kind].add(repr(sorted(data.items())))
    return {name: sorted(entries) for name, entries in found.items()}


def butler_command(*arguments: str) -> None:
    """Run the official command-line tool."""
    program = str(Path(sys.executable).with_name("butler"))
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
