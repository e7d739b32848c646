# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a checkout ready to run, from nothing but a Python: what ``make setup`` does.

Each step looks at what is there, says so and does only what is missing: the virtual environment, the
collections that the playbooks use, the link under which Ansible finds this checkout, and the sample data.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path

from tools.dev import interpreters

ROOT = Path(__file__).resolve().parents[2]
VAR = ROOT / "var"
COLLECTIONS = VAR / "collections" / "ansible_collections"
DATA = VAR / "embedded" / "data"
SAMPLES = {
    "sample_ccms1": DATA,
    "sample_dp02": DATA / "dp02",
    "sample_deep": DATA / "deep",
    "sample_dc2_replication": DATA / "dc2_replication",
    "sample_dp1": DATA / "dp1",
}
"""Where the sample data of each generator go."""

BORROWING = {"sample_dp1": ("sample_ccms1",)}
"""The generators that others take from."""
BASED_ON = {"sample_dc2_replication": "sample_dp02"}
"""Generators that take what another one makes."""

INTERPRETER = getattr(sys, "_base_executable", sys.executable)
"""What makes environments: the Python outside any, so that an activated ``.venv`` doesn't replace itself."""

ANSIBLE_PACKAGE = "ansible==12.3.0"
"""The PyPI package that carries, among many, the collections of requirements.yml in the same versions."""

WANTED = {
    ("ansible", "posix"): "2.1.0",
    ("community", "crypto"): "3.0.5",
    ("community", "general"): "11.4.2",
    ("community", "postgresql"): "4.2.0",
    ("containers", "podman"): "1.18.0",
}
"""Collections to take from it, with their versions: those of requirements.yml, which tells what for."""


def main() -> None:
    """Prepare the checkout as the command line asks."""
    parser = argparse.ArgumentParser(prog="make setup", description=__doc__)
    parser.add_argument("--newest", action="store_true", help="make or update only .venv-newest")
    newest = parser.parse_args().newest
    begun = time.monotonic()
    link_checkout()
    if newest:
        make_newest_environment()
    else:
        make_environment()
        take_collections()
        make_sample_data()
    say("ready", f"in {time.monotonic() - begun:.1f} s")


def make_environment() -> None:
    """Make ``.venv`` with every package at its pin, unless it is there and made from these pins."""
    interpreters.require_usable()
    files = [*sorted(ROOT.glob("requirements*.txt")), ROOT / "constraints.txt"]
    made_from = f"{digest(files)} {sys.version} {sys.base_prefix} {ROOT}"
    venv = ROOT / ".venv"
    stamp = venv / "made-from"
    if stamp.is_file() and stamp.read_text() == made_from and (venv / "bin" / "python").exists():
        say("environment", ".venv is up to date")
        return
    version = sys.version.split()[0]
    say("environment", f"making .venv with Python {version} and the pinned packages (a minute) ...")
    make_empty(INTERPRETER, venv)
    requirements = ["-r", "requirements-dev.txt", "-c", "constraints.txt"]
    run([str(venv / "bin" / "python"), "-m", "pip", "install", *requirements])
    stamp.write_text(made_from)


def make_newest_environment() -> None:
    """Make or update ``.venv-newest``: the newest of all on Python 3.13, or on this one if there is none."""
    interpreter = interpreters.find(13)
    if interpreter is None:
        interpreters.require_usable()
        interpreter = INTERPRETER
        version = ".".join(str(number) for number in sys.version_info[:2])
        say("WARNING", "this machine has no Python 3.13 (make test-newest PYTHON313=/path/to/python3.13).")
        say(
            "WARNING",
            f"Tested instead is the newest that Python {version} permits: the newest weekly Butler,",
        )
        say("WARNING", "but an older ansible-core where the newest has left this Python behind.")
    venv = ROOT / ".venv-newest"
    python = venv / "bin" / "python"
    if not python.exists() or reported_version(str(python)) != reported_version(interpreter):
        say("environment", f"making .venv-newest with {interpreter}")
        make_empty(interpreter, venv)
    say("environment", "bringing .venv-newest up to date (a minute when it is new) ...")
    upgrade = ["install", "--upgrade", "--upgrade-strategy", "eager", "-r", "requirements-newest.txt"]
    run([str(python), "-m", "pip", *upgrade])
    show = "import importlib.metadata as m; print(*(f'{p} {m.version(p)}' for p in %r), sep=', ')"
    packages = ["ansible-core", "lsst-daf-butler", "lsst-resources", "SQLAlchemy", "numpy", "astropy"]
    found = subprocess.run([str(python), "-c", show % packages], capture_output=True, text=True, check=True)
    say("environment", f".venv-newest has Python {reported_version(str(python))}, {found.stdout.strip()}")


def make_empty(interpreter: str, venv: Path) -> None:
    """Make a virtual environment without packages, in the place of one that is there.

    Parameters
    ----------
    interpreter : `str`
        What makes it.
    venv : `pathlib.Path`
        Its folder.

    Raises
    ------
    SystemExit
        If the folder is a link: what it points to would be emptied, and may serve another checkout.
    """
    if venv.is_symlink():
        raise SystemExit(
            f"{venv} is a link to {venv.readlink()}, which making it anew would empty: remove the link"
        )
    run([interpreter, "-m", "venv", "--clear", str(venv)])


def take_collections() -> None:
    """Unpack the collections that the playbooks use from the ansible package, which needs no Galaxy."""
    missing = [name for name, version in WANTED.items() if installed_version(name) != version]
    if not missing:
        say("collections", f"{named(WANTED)} is up to date")
        return
    say("collections", f"taking {named(missing)} from {ANSIBLE_PACKAGE} (a download of 52 MB) ...")
    cache = VAR / "cache"
    shutil.rmtree(cache / "unpacked", ignore_errors=True)
    wheels = cache / "wheels"
    pip = [str(ROOT / ".venv" / "bin" / "python"), "-m", "pip"]
    run([*pip, "download", "--no-deps", "--dest", str(wheels), ANSIBLE_PACKAGE])
    (wheel,) = wheels.glob(f"{ANSIBLE_PACKAGE.replace('==', '-')}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for namespace, name in missing:
            inside = f"ansible_collections/{namespace}/{name}/"
            files = [file for file in archive.namelist() if file.startswith(inside)]
            archive.extractall(cache / "unpacked", files)
    for namespace, name in missing:
        target = COLLECTIONS / namespace / name
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        (cache / "unpacked" / "ansible_collections" / namespace / name).rename(target)
        if installed_version((namespace, name)) != WANTED[namespace, name]:
            raise SystemExit(f"{ANSIBLE_PACKAGE} does not hold {namespace}.{name} {WANTED[namespace, name]}")
    shutil.rmtree(cache)


def installed_version(name: tuple[str, str]) -> str | None:
    """Give the version of a collection under ``var/collections``, or `None` if it is not there."""
    manifest = COLLECTIONS.joinpath(*name) / "MANIFEST.json"
    if not manifest.is_file():
        return None
    version: str = json.loads(manifest.read_text())["collection_info"]["version"]
    return version


def named(collections: Iterable[tuple[str, str]]) -> str:
    """Write collections as a person does: community.general, ..."""
    return ", ".join(".".join(name) for name in collections)


def link_checkout() -> None:
    """Link the checkout to where Python and Ansible look for the collection ``rubin.butler``."""
    link = COLLECTIONS / "rubin" / "butler"
    link.parent.mkdir(parents=True, exist_ok=True)
    target = os.path.relpath(ROOT, link.parent)
    if link.is_symlink() and str(link.readlink()) == target:
        say("link", f"{link.relative_to(ROOT)} is up to date")
        return
    if link.is_symlink():
        link.unlink()
    elif link.exists():
        raise SystemExit(f"{link} is not a link to this checkout but a copy of something: move it away")
    link.symlink_to(target)
    say("link", f"{link.relative_to(ROOT)} is this checkout")


def make_sample_data() -> None:
    """Generate the sample campaigns' files, unless they are there and come from these generators."""
    python = str(ROOT / ".venv" / "bin" / "python")
    for package, data in SAMPLES.items():
        stamp = VAR / "embedded" / f"{package}.made-from"
        parts = sorted({"samples", package, BASED_ON.get(package, package)})
        made_from = digest(sorted(file for part in parts for file in (ROOT / "tools" / part).rglob("*.py")))
        if data.is_dir() and stamp.is_file() and stamp.read_text() == made_from:
            say("sample data", f"{data.relative_to(ROOT)} is up to date")
            continue
        say("sample data", f"generating {data.relative_to(ROOT)} ...")
        stamp.unlink(missing_ok=True)
        run([python, "-m", f"tools.{package}", str(data)], PYTHONPATH=str(COLLECTIONS.parent))
        stamp.write_text(made_from)


def digest(files: list[Path]) -> str:
    """Hash the names and contents of files of the checkout."""
    whole = hashlib.sha256()
    for file in files:
        whole.update(f"{file.relative_to(ROOT)}\0".encode())
        whole.update(file.read_bytes())
    return whole.hexdigest()


def reported_version(python: str) -> str:
    """Ask an interpreter for its full version; empty if it doesn't run."""
    ask = [python, "-c", "import platform; print(platform.python_version())"]
    return subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip()


def run(command: list[str], **environment: str) -> None:
    """Run a command quietly from the root of the checkout.

    Raises
    ------
    SystemExit
        If it fails; its output is shown then.
    """
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        print("\n".join(done.stdout.splitlines()[-40:]), flush=True)
        raise SystemExit(f"This failed ({done.returncode}), its last lines are above: {' '.join(command)}")


def say(step: str, what: str) -> None:
    """Print one line on one step."""
    print(f"{step + ':':13}{what}", flush=True)


if __name__ == "__main__":
    main()
