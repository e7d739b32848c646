# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A campaign's playbook on an embedded site of its own, and how its plans and repositories are compared."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from lsst.daf.butler.cli.butler import cli

from tests.integration import warm
from tests.integration.ansible_play import CHECKOUT, Playbook, playbook
from tests.integration.canonical import Dump, dump

_DUMP = "import sqlite3,sys\nfor line in sqlite3.connect(sys.argv[1]).iterdump(): print(line)"


class Site:
    """An embedded site of its own, away from the checkout's, with a campaign's sample data."""

    def __init__(self, root: Path, campaign: str, data: str = "data", **variables: Any) -> None:
        self.root = root
        self.repo = root / "butler" / campaign
        self.data = root / data
        self.playbook = CHECKOUT / f"playbooks/{campaign}.yml"
        self.variables = {
            "embedded": str(root),
            "ansible_python_interpreter": warm.interpreter(),
            **variables,
        }
        subprocess.run(
            [sys.executable, "-m", f"tools.sample_{campaign}", str(self.data)], check=True, cwd=CHECKOUT
        )

    def manifest(self) -> dict[str, Any]:
        """What the sample's generator says is in it."""
        loaded: dict[str, Any] = json.loads((self.data / "manifest.json").read_text())
        return loaded

    def run(self, *arguments: str, **variables: Any) -> Playbook:
        site = {**self.variables, **variables}
        inventory = str(CHECKOUT / "inventories/embedded")
        return playbook(
            self.playbook, "-i", inventory, "-e", json.dumps(site), *arguments, ANSIBLE_NOCOLOR="1"
        )

    def dump(self) -> Dump:
        return dump(self.repo)

    def exact(self) -> dict[str, Any]:
        """Every file of the site with its time, and the database byte for byte as text."""
        files = {
            str(path.relative_to(self.root)): path.lstat().st_mtime_ns
            for path in sorted(self.root.rglob("*"))
            if not path.is_dir()
        }
        text = subprocess.run(
            [sys.executable, "-c", _DUMP, str(self.repo / "gen3.sqlite3")],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        return {"files": files, "database": text}


def printed(site: Site, *arguments: str) -> list[str]:
    """Give the lines of an official command's table: indented as they are, with one blank between columns."""
    done = CliRunner().invoke(cli, [arguments[0], str(site.repo), *arguments[1:]])
    assert done.exit_code == 0, done.output
    lines = [line.rstrip() for line in done.output.splitlines() if line.strip()]
    start = next(index for index, line in enumerate(lines) if line.startswith("---")) + 1
    return [re.sub(r"(?<=\S) +", " ", line) for line in lines[start:]]


Changes = list[dict[str, Any]]


def named(changes: Changes) -> set[tuple[str, str]]:
    return {(change["kind"], change["name"]) for change in changes}


def assert_as_planned(ran: Changes, planned: Changes, untold: set[str]) -> None:
    """Tell a run's changes to be those of the plan, with their tasks and all that they show.

    Parameters
    ----------
    ran, planned : `list` [ `dict` ]
        What a run did, and what a check had promised.
    untold : `set` [ `str` ]
        Tasks that could not tell in advance all that they would do, because it rests on what an earlier one
        had yet to make. What they told has to be done.
    """
    assert {change["task"] for change in planned if change.get("unresolved")} == untold
    assert untold <= {change["task"] for change in ran}

    def in_full(changes: Changes) -> Counter[str]:
        told = (change for change in changes if not change.get("unresolved"))
        return Counter(json.dumps(change, sort_keys=True) for change in told)

    done, promised = in_full(ran), in_full(planned)
    assert list((promised - done).elements()) == [], "planned and not done"
    more = [json.loads(change) for change in (done - promised).elements()]
    assert [change for change in more if change["task"] not in untold] == [], "done and not planned"
