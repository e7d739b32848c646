# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays whose task runs for long: started beside the test, looked at, interrupted."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.rubin.butler.plugins.module_utils._module.progress import FOLDER_VARIABLE, PROGRESS

from tests.integration.ansible_play import COLLECTION, environment
from tests.integration.raw_files import write_raws
from tests.waiting import PATIENCE, until

_MARK = "RUBIN_BUTLER_TEST"


def write_many_raws(folder: Path, number: int) -> None:
    """Write as many exposures of one detector as are wanted: one file, with other numbers."""
    name, card = b"CC_O_20241108_000010", b"SEQNUM  = %20d"
    [one] = write_raws(
        folder.with_name("one"), wanted=lambda path: path.endswith(f"{name.decode()}_R22_S00.fits")
    )
    content = one.read_bytes()
    assert name in content and card % 10 in content
    folder.mkdir()
    for seq_num in range(1, number + 1):
        own = name[:-6] + b"%06d" % seq_num
        changed = content.replace(name, own).replace(card % 10, card % seq_num)
        (folder / f"{own.decode()}_R22_S00.fits").write_bytes(changed)


@dataclass
class Started:
    """A play that runs."""

    process: subprocess.Popen[str]
    mark: str
    folder: Path

    def processes(self) -> dict[int, dict[str, str]]:
        """Give the processes of the task on the managed host, this one, with their environments."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                content = (entry / "environ").read_bytes().decode(errors="replace")
                gone = "\nState:\tZ" in (entry / "status").read_text()
            except OSError:
                continue
            pairs = dict(pair.split("=", 1) for pair in content.split("\0") if "=" in pair)
            if pairs.get(_MARK) == self.mark and not gone:
                found[int(entry.name)] = pairs
        return found

    def watched_folder(self) -> Path | None:
        """Give the folder of the module's progress, if it is there."""
        names = {pairs[FOLDER_VARIABLE] for pairs in self.processes().values() if FOLDER_VARIABLE in pairs}
        return next((Path(name) for name in names if Path(name).is_dir()), None)

    def shown_at(self, stage: str) -> tuple[str, list[str]]:
        """Hold the module at a stage until a person has read a line of that, and let it end.

        Without that it may have gone on, or ended, before the play looks.

        Parameters
        ----------
        stage : `str`
            As the module calls it.

        Returns
        -------
        said, lines : `tuple` [ `str`, `list` [ `str` ] ]
            What the play printed, and the lines of its standard error.
        """
        said, shown = self.process.stdout, self.process.stderr
        assert said is not None and shown is not None
        lines: list[str] = []
        reader = threading.Thread(target=lambda: lines.extend(map(str.rstrip, shown)), daemon=True)
        reader.start()
        progress = until(self.watched_folder) / PROGRESS
        # The folder is there a moment before the file.
        until(lambda: progress.exists() and f'"{stage}"' in progress.read_text())
        with self.held():
            until(lambda: any(f": {stage} " in line for line in lines))
        self.process.wait(timeout=PATIENCE)
        reader.join()
        return said.read(), lines

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let the module do nothing meanwhile."""
        held = list(self.processes())
        for number in held:
            os.kill(number, signal.SIGSTOP)
        try:
            yield
        finally:
            for number in held:
                os.kill(number, signal.SIGCONT)

    def none_is_left(self) -> None:
        """Wait for the end of the task's processes."""
        until(lambda: not self.processes())

    def worker(self) -> int:
        """Give the process that Ansible runs the task from: it leads the session of a local task."""
        [worker] = {os.getsid(process) for process in self.processes()}
        assert worker != os.getsid(0)
        return worker


def start(
    module: str,
    arguments: Mapping[str, Any],
    folder: Path,
    *,
    host: Mapping[str, Any] | None = None,
    set_for_task: Mapping[str, str] | None = None,
    task: Mapping[str, Any] | None = None,
    then: Sequence[Mapping[str, Any]] = (),
    **env: str,
) -> Started:
    """Start a play in a process group of its own.

    Parameters
    ----------
    module : `str`
        Its short name.
    arguments : `~collections.abc.Mapping`
        Of the module.
    folder : `pathlib.Path`
        Where to put the play.
    host : `~collections.abc.Mapping`, optional
        Variables of the host, if it is not to be reached locally.
    set_for_task : `~collections.abc.Mapping`, optional
        Environment of the task.
    task : `~collections.abc.Mapping`, optional
        Keywords of the task.
    then : `~collections.abc.Sequence`, optional
        Tasks that follow.
    **env : `str`
        Environment of the play.

    Returns
    -------
    started : `Started`
        The play.
    """
    mark = secrets.token_hex(8)
    variables = {"ansible_connection": "local", **(host or {}), "ansible_python_interpreter": sys.executable}
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"here": variables}}}))
    doing = {f"{COLLECTION}.{module}": dict(arguments), "environment": {_MARK: mark, **(set_for_task or {})}}
    content = {"hosts": "all", "gather_facts": False, "tasks": [{**doing, **(task or {})}, *then]}
    (folder / "play.yml").write_text(yaml.safe_dump([content]))
    process = subprocess.Popen(
        [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i",
            str(folder / "hosts.yml"),
            str(folder / "play.yml"),
        ],
        env=environment(TASK_RESULTS=str(folder / "results"), **env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    return Started(process, mark, folder)
