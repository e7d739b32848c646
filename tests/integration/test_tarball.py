# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as a user without a checkout has it: built, and installed from the tarball."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
OF_A_CHECKOUT = {".ansible-lint", ".ci", ".gitignore", ".yamllint"}
"""What is tracked and stays out of the tarball."""


def ansible(program: str, *arguments: str, cwd: Path, home: Path) -> str:
    """Run an Ansible program that knows nothing of this checkout, and give what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    environment |= {"HOME": str(home), "ANSIBLE_COLLECTIONS_PATH": str(home / "collections")}
    done = subprocess.run(
        [str(Path(sys.executable).with_name(program)), *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the tarball, built from this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    ansible("ansible-galaxy", "collection", "build", "--output-path", str(folder), cwd=ROOT, home=folder)
    (built,) = folder.glob("rubin-butler-*.tar.gz")
    return built


@pytest.fixture(scope="module")
def home(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a user's empty home directory, in which the tarball has been installed without a network."""
    folder = tmp_path_factory.mktemp("home")
    place = str(folder / "collections")
    ansible(
        *("ansible-galaxy", "collection", "install", str(tarball), "--offline", "-p", place),
        cwd=folder,
        home=folder,
    )
    return folder


def test_the_tarball_holds_what_is_tracked_and_nothing_else(tarball: Path) -> None:
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    tracked = {name for name in names if name and (ROOT / name).is_file()}
    with tarfile.open(tarball) as archive:
        inside = {member.name for member in archive.getmembers() if not member.isdir()}
    expected = {name for name in tracked if name.partition("/")[0] not in OF_A_CHECKOUT} - {"galaxy.yml"}
    assert inside == expected | {"MANIFEST.json", "FILES.json"}


def test_its_documentation_is_found(home: Path) -> None:
    assert MODULES
    names = [f"rubin.butler.{name}" for name in MODULES]
    printed = json.loads(ansible("ansible-doc", "--json", *names, cwd=home, home=home))
    assert sorted(printed) == names
    for name, entry in printed.items():
        assert Path(entry["doc"]["filename"]).is_relative_to(home), f"{name} comes from somewhere else"
        assert entry["doc"]["short_description"] and entry["examples"] and entry["return"]


def test_its_modules_run(home: Path, tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    interpreter = f"ansible_python_interpreter={sys.executable}"
    for arguments in (
        ("rubin.butler.butler_repo", {"repo": str(repo)}),
        ("rubin.butler.butler_collection", {"repo": str(repo), "collections": [{"name": "skymaps"}]}),
    ):
        module, options = arguments
        command = ["localhost", "-m", module, "-a", json.dumps(options), "-e", interpreter]
        assert "CHANGED" in ansible("ansible", *command, cwd=tmp_path, home=home)
        assert "SUCCESS" in ansible("ansible", *command, cwd=tmp_path, home=home)


def test_its_playbook_is_found_by_name(home: Path) -> None:
    printed = ansible(
        *("ansible-playbook", "-i", "localhost,", "--list-tasks", "rubin.butler.ccms1"), cwd=home, home=home
    )
    assert str(home / "collections/ansible_collections/rubin/butler/playbooks/ccms1.yml") in printed
    assert "Ingest raw exposures" in printed
