# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ``ansible-test sanity`` on this checkout: what ``make sanity`` does.

``ansible-test`` only works in a real directory ``.../ansible_collections/rubin/butler`` outside any other git
work tree, so it gets a temporary copy of what git tracks or would track, and a home directory under ``var``,
in which the environments that it makes are kept between runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.dev import interpreters

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "var" / "sanity"
HOME = PLACE / "home"

GET_PIP = """\
import subprocess
import sys

options = [option for option in sys.argv[1:] if option not in ("--no-setuptools", "--no-wheel")]
subprocess.run([sys.executable, "-m", "ensurepip", "--default-pip"], check=True, stdout=subprocess.DEVNULL)
raise SystemExit(subprocess.run([sys.executable, "-m", "pip", "install", *options]).returncode)
"""
"""Stands in for get-pip.py, which ansible-test would download from a host of its own: PyPI suffices."""


def main() -> None:
    """Copy the checkout, run the sanity tests on the copy and leave with their status."""
    prepare_home()
    environment = {**os.environ, "HOME": str(HOME), "PATH": search_path()}
    command = [str(Path(sys.executable).with_name("ansible-test")), "sanity", *sys.argv[1:]]
    with tempfile.TemporaryDirectory(prefix="rubin-butler-sanity-") as folder:
        copy = Path(folder, "ansible_collections", "rubin", "butler")
        copy_checkout(copy)
        raise SystemExit(subprocess.run(command, cwd=copy, env=environment, check=False).returncode)


def copy_checkout(copy: Path) -> None:
    """Copy what git tracks, or would track, to where ansible-test can work."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in sorted(set(names.split("\0")) - {""}):
        source = ROOT / name
        if source.is_symlink() or source.is_file():
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)


def prepare_home() -> None:
    """Make the home directory: pip's settings and cache are the user's, the rest is ansible-test's."""
    script = HOME / ".ansible" / "test" / "cache" / "get_pip_24_2.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(GET_PIP)
    for name in (".cache", ".config", ".pip"):
        link = HOME / name
        if not link.is_symlink() and (Path.home() / name).is_dir():
            link.symlink_to(Path.home() / name)


def search_path() -> str:
    """Give the path with the working interpreters first, and without pyenv's shims.

    ansible-test takes any ``python3.x`` on the path at its word; a shim is there for versions that don't run.
    """
    folder = PLACE / "bin"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for minor in (11, 12, 13):
        interpreter = interpreters.find(minor)
        if interpreter is not None:
            (folder / f"python3.{minor}").symlink_to(real_path(interpreter))
    others = [entry for entry in os.environ["PATH"].split(os.pathsep) if Path(entry).name != "shims"]
    return os.pathsep.join([str(folder), *others])


def real_path(interpreter: str) -> str:
    """Give the interpreter that a command starts, seen through shims and virtual environments."""
    ask = [interpreter, "-c", "import os, sys; print(os.path.realpath(sys.executable))"]
    return subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
