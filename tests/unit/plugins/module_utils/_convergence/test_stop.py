# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that nobody wants any more stops where it is safe."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.stop import Heartbeat

from tests.waiting import PATIENCE

COLLECTIONS = next(entry for entry in sys.path if Path(entry, "ansible_collections/rubin/butler").is_dir())
PROGRAM = """
import os, signal, sys
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import StoppedError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.stop import (
    InterruptedBeforeWritingError, StopRequest)
stop = StopRequest()
stop.install()
if "early" not in sys.argv:
    stop.begin()
print("ready", flush=True, file=sys.stderr)
sys.stdin.readline()
try:
    if len(sys.argv) > 1:
        os.kill(os.getpid(), int(sys.argv[1]))
    print("not interrupted", file=sys.stderr)
    stop.check()
except (StoppedError, InterruptedBeforeWritingError) as error:
    print(type(error).__name__, error, file=sys.stderr)
else:
    print("goes on", file=sys.stderr)
"""


def start(*arguments: str) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": COLLECTIONS}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=env
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_asks_to_stop(number: signal.Signals) -> None:
    _unused, said = start(str(int(number))).communicate("\n", timeout=PATIENCE)
    assert "not interrupted" in said
    assert f"stopped at a batch boundary: {number.name}" in said
    assert "Run the task again" in said


def test_before_the_first_write_a_signal_ends_the_run_at_once() -> None:
    _unused, said = start(str(int(signal.SIGTERM)), "early").communicate("\n", timeout=PATIENCE)
    assert "InterruptedBeforeWritingError SIGTERM" in said and "not interrupted" not in said


def test_without_a_request_the_run_goes_on() -> None:
    _unused, said = start().communicate("\n", timeout=PATIENCE)
    assert said.endswith("goes on\n")


def test_the_loss_of_the_reader_asks_to_stop() -> None:
    process = start()
    assert process.stdout is not None and process.stderr is not None and process.stdin is not None
    assert process.stderr.readline() == "ready\n"
    process.stdout.close()
    process.stdin.write("\n")
    process.stdin.flush()
    said = process.stderr.read()
    process.wait(PATIENCE)
    assert "nobody waits for the result any more" in said


WATCHED = """
import os, sys, time
from pathlib import Path
from ansible_collections.rubin.butler.plugins.module_utils._convergence import stop as stopping
stopping.LOOK_SECONDS = 0.05
path = Path(sys.argv[1])
stop = stopping.StopRequest()
stop.install()
try:
    stop.heartbeat = stopping.Heartbeat(path, limit=0.2 if sys.argv[2] == "old" else 3600)
    os.utime(path, ns=(1, 1))
    if sys.argv[2] == "removed":
        path.unlink()
    time.sleep(600)
except stopping.InterruptedBeforeWritingError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("how", "reason"), [("old", "no sign of the play for 0 s"), ("removed", "has given it up")]
)
def test_before_the_first_write_a_lost_heartbeat_ends_the_run_at_once(
    tmp_path: Path, how: str, reason: str
) -> None:
    heartbeat = tmp_path / "heartbeat"
    heartbeat.touch()
    command = [sys.executable, "-c", WATCHED, str(heartbeat), how]
    env = {**os.environ, "PYTHONPATH": COLLECTIONS}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert reason in done.stdout


def test_a_heartbeat_counts_from_its_first_renewal(tmp_path: Path) -> None:
    path = tmp_path / "heartbeat"
    path.touch()
    heartbeat = Heartbeat(path, limit=-1.0)
    assert heartbeat.lost() is None, "nobody has ever looked: it may be a connection that can't"
    os.utime(path, ns=(1, 1))
    assert "no sign of the play" in str(heartbeat.lost())
    patient = Heartbeat(path, limit=3600.0)
    os.utime(path, ns=(2, 2))
    assert patient.lost() is None and patient.lost() is None
    path.unlink()
    assert "given it up" in str(patient.lost())
