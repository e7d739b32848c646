# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interpreter that is warm does what a true one does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration import warm
from tests.waiting import PATIENCE

SHOW = """\
import atexit, json, os, sys, __main__
atexit.register(print, "at exit")
umask = os.umask(0)
print(json.dumps([
    sys.argv, __main__.__file__, __name__, os.getcwd(), umask, os.environ.get("GIVEN"), sys.stdin.read(),
    sys.path[0], sys.executable, [name for name in sys.modules if name.startswith(("ansible", "tests"))],
]))
print("to stderr", file=sys.stderr)
"""
IS_WARM = "import sys; print('lsst.daf.butler' in sys.modules)"
ENDS = {
    "by itself": "pass",
    "with a code": "import sys; sys.exit(3)",
    "with a message": "import sys; sys.exit('because')",
    "with an exception": "1 / 0",
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
}


def run(interpreter: str, code: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    script = folder / "script.py"
    script.write_text(code)
    return subprocess.run(
        [interpreter, str(script)],
        input="what comes in",
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, **env},
        umask=0o27,
    )


def test_a_script_finds_itself_in_the_same_place(tmp_path: Path) -> None:
    true, ours = (run(each, SHOW, tmp_path, GIVEN="value") for each in (sys.executable, warm.interpreter()))
    assert (ours.returncode, ours.stdout, ours.stderr) == (true.returncode, true.stdout, true.stderr)
    assert "at exit" in ours.stdout and "what comes in" in ours.stdout


@pytest.mark.parametrize("code", ENDS.values(), ids=ENDS)
def test_it_ends_in_the_same_way(code: str, tmp_path: Path) -> None:
    true, ours = (run(each, code, tmp_path) for each in (sys.executable, warm.interpreter()))
    assert ours.returncode == true.returncode
    assert ours.stderr.splitlines()[-1:] == true.stderr.splitlines()[-1:]


def test_the_packages_are_there_already(tmp_path: Path) -> None:
    assert run(warm.interpreter(), IS_WARM, tmp_path).stdout == "True\n"


def test_what_a_fork_would_not_see_gets_a_true_interpreter(tmp_path: Path) -> None:
    assert run(warm.interpreter(), IS_WARM, tmp_path, PYTHONPATH=str(tmp_path)).stdout == "False\n"
    asked = [warm.interpreter(), "-c", IS_WARM]
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_signal_reaches_the_script(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *told: sys.exit(7))\n"
        "print('here', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([warm.interpreter(), str(script)], stdout=subprocess.PIPE) as started:
        assert started.stdout is not None and started.stdout.readline() == b"here\n"
        started.send_signal(signal.SIGTERM)
        assert started.wait(PATIENCE) == 7
