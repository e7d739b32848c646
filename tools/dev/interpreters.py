# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python interpreters of this machine, by version.

Only the standard library, and only syntax that an older Python can read: this is what answers when the Python
is too old.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)


def require_usable() -> None:
    """Refuse the running interpreter if the pinned packages or a virtual environment can't be had with it.

    Raises
    ------
    SystemExit
        If it is too old, or has no ``ensurepip`` (Debian splits it off); the message says what to install.
    """
    version = ".".join(str(number) for number in sys.version_info[:3])
    if sys.version_info < OLDEST:
        raise SystemExit(
            f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed, but {sys.executable} is {version}.\n"
            "Name another interpreter: make setup PYTHON=/path/to/python3.11"
        )
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        raise SystemExit(
            f"{sys.executable} ({version}) can't make virtual environments: it has no ensurepip.\n"
            "On Debian and Ubuntu it is a package of its own: "
            f"apt-get install python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        ) from None


def find(minor: int) -> str | None:
    """Find a working Python 3 of one minor version.

    Parameters
    ----------
    minor : `int`
        13 for Python 3.13.

    Returns
    -------
    path : `str` or `None`
        The interpreter: what the variable ``PYTHON3<minor>`` names, else what is on the path, else the newest
        that pyenv has built. A pyenv shim on the path that has no version behind it doesn't count.
    """
    name = f"python3.{minor}"
    named = os.environ.get(f"PYTHON3{minor}")
    if named:
        if not _works(named, minor):
            raise SystemExit(f"PYTHON3{minor}={named} is not a working Python 3.{minor}")
        return named
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    built = sorted(pyenv.glob(f"3.{minor}.*/bin/{name}"), key=lambda path: _patch(path.parts[-3]))
    for candidate in [shutil.which(name), *(str(path) for path in reversed(built))]:
        if candidate and _works(candidate, minor):
            return candidate
    return None


def _patch(version: str) -> int:
    """Give the last number of a version such as 3.13.0; -1 for a pre-release such as 3.13.0rc1."""
    last = version.rpartition(".")[2]
    return int(last) if last.isdigit() else -1


def _works(candidate: str, minor: int) -> bool:
    """Tell whether a command is a Python 3 of this minor version."""
    ask = [candidate, "-c", "import sys; print(*sys.version_info[:2])"]
    try:
        answer = subprocess.run(ask, capture_output=True, text=True, timeout=60, check=False)
    except OSError:
        return False
    return answer.stdout.split() == ["3", str(minor)]
