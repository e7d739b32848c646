# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An interpreter for Ansible that needn't import daf_butler anew for every module it runs.

A module's process imports for two seconds and works for half a second. Here a process that has imported the
packages waits, and each module runs in a fork of it: Ansible's own way to a module (its archive, its
arguments, its environment, its result) stays as it is on a host. Plays over ssh, of an installed tarball and
those that are stopped or killed start a true interpreter each time.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.integration.warm import client

_HERE = Path(__file__).resolve().parent


@functools.cache
def interpreter() -> str:
    """Give the path of an interpreter that is warm as long as this process lives."""
    owner = os.getpid()
    root = Path(tempfile.mkdtemp(prefix="warm-"))
    waiting = subprocess.Popen(
        [sys.executable, str(_HERE / "server.py"), str(root / "socket")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        # Threads are no good to a process that forks.
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )

    def end() -> None:
        if os.getpid() != owner:  # a fork of the tests' process: others still need it
            return
        waiting.stdin.close()
        waiting.wait()
        shutil.rmtree(root)

    atexit.register(end)
    assert waiting.stdout.readline() == b"ready\n"
    (root / "setting.json").write_text(json.dumps({"python": sys.executable, "start": client.start()}))
    path = root / "python"
    path.write_text(f"#!{sys.executable} -IS\n" + (_HERE / "client.py").read_text())
    path.chmod(0o755)
    return str(path)
