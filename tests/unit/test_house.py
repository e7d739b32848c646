# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of the house that no linter knows. CONTRIBUTING.md gives the reasons."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.dev import prepare

ROOT = Path(__file__).resolve().parents[2]
UTILS = ROOT / "plugins" / "module_utils"
OURS = "ansible_collections.rubin.butler"

HEADER = [
    "# Copyright (c) 2026, the rubin.butler developers",
    "# GNU General Public License v3.0+ "
    "(see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "# SPDX-License-Identifier: GPL-3.0-or-later",
]
SHEBANG = "#!/usr/bin/python"

LONGEST = 400
LONGEST_TEST = 450
HEAVIEST = 592 * 1024
"""Bytes of Python that a module may bring to the managed host, before compression.

The heaviest are butler_raws (578 KiB, 190 compressed: it brings the translators of four cameras, tables,
zips and indexes, and what tells why a server can't be reached) and butler_raw_index (344 KiB).
"""


@cache
def tracked() -> list[Path]:
    """Give the files that git tracks, or would track."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [ROOT / name for name in sorted(set(names)) if name and (ROOT / name).is_file()]


def python_files() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py"]


def module_utils() -> list[Path]:
    return [path for path in python_files() if path.is_relative_to(UTILS)]


def modules() -> list[Path]:
    return [path for path in python_files() if path.parent == ROOT / "plugins" / "modules"]


def relative(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def imported(node: ast.AST) -> list[str]:
    """Give the absolute names that an import statement asks for; with a leading dot if it is relative."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return ["." * node.level + (node.module or "")]
    return []


def unguarded_imports(statements: list[ast.stmt]) -> Iterator[str]:
    """Give what is imported as soon as a file is: not in functions, ``try`` or under ``TYPE_CHECKING``."""
    for node in statements:
        yield from imported(node)
        if isinstance(node, ast.ClassDef | ast.With):
            yield from unguarded_imports(node.body)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test):
            yield from unguarded_imports([*node.body, *node.orelse])


@cache
def documented() -> dict[str, dict[str, Any]]:
    """Give the documentation of every module, as ansible-doc merges it with the fragments."""
    names = [f"rubin.butler.{path.stem}" for path in modules()]
    ansible_doc = str(Path(sys.executable).with_name("ansible-doc"))
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "var" / "collections")}
    command = [ansible_doc, "--json", "--type", "module", *names]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {name: entry["doc"] for name, entry in json.loads(done.stdout).items()}


def test_git_sees_this_checkout() -> None:
    assert Path(__file__).resolve() in tracked()
    assert modules() and module_utils()


@pytest.mark.parametrize("name", relative(python_files()))
def test_header(name: str) -> None:
    lines = (ROOT / name).read_text().splitlines()
    if lines[0] == SHEBANG:
        assert Path(name).parent == Path("plugins/modules"), "only modules start with a shebang"
        lines = lines[1:]
    assert lines[:3] == HEADER


def test_every_text_file_names_its_licence() -> None:
    commented = {".yml", ".yaml", ".toml", ".cfg", ".md"}
    named = {"Makefile", ".yamllint", ".ansible-lint", "run", "constraints.txt"}
    without = [
        path
        for path in tracked()
        if (path.suffix in commented or path.name in named or path.name.startswith("requirements"))
        and not {"data", "LICENSES"} & set(path.relative_to(ROOT).parts)
        and "SPDX-License-Identifier: GPL-3.0-or-later" not in path.read_text()[:500]
    ]
    assert relative(without) == []


def test_no_file_is_too_long_to_hold_in_mind() -> None:
    long = {}
    for path in python_files():
        count = len(path.read_text().splitlines())
        if count > (LONGEST_TEST if path.is_relative_to(ROOT / "tests") else LONGEST):
            long[str(path.relative_to(ROOT))] = count
    assert long == {}


def test_module_utils_are_private_packages_with_a_subject() -> None:
    for path in module_utils():
        parts = path.relative_to(UTILS).parts
        assert len(parts) > 1 and parts[0].startswith("_"), f"{path} is in no private package"
        assert not {"utils", "helpers", "common", "misc"} & {
            part.strip("_") for part in (*parts, path.stem)
        }, path


@pytest.mark.parametrize("name", relative(module_utils()))
def test_imports_of_module_utils(name: str) -> None:
    tree = ast.parse((ROOT / name).read_text())
    allowed = {*sys.stdlib_module_names, "ansible_collections"}
    if Path(name).is_relative_to("plugins/module_utils/_module"):
        allowed.add("ansible")
    everywhere = [target for node in ast.walk(tree) for target in imported(node)]
    roots = {target.partition(".")[0] for target in everywhere}
    assert "" not in roots, "import the collection's own files absolutely: ansible-test and mypy follow that"
    assert "ansible" not in roots - allowed, "only _module knows Ansible"
    assert all(target.startswith(OURS) for target in everywhere if target.startswith("ansible_collections"))
    at_once = {target.partition(".")[0] for target in unguarded_imports(tree.body)}
    assert at_once <= allowed, "must import where only Python is installed: import it inside the function"


def test_each_module_brings_little() -> None:
    weight = {}
    for module in modules():
        brought: set[Path] = set()
        waiting = [module]
        while waiting:
            path = waiting.pop()
            brought.add(path)
            for node in ast.walk(ast.parse(path.read_text())):
                waiting += [file for file in own_files(node) if file not in brought]
        weight[module.stem] = sum(path.stat().st_size for path in brought)
    assert {name: size for name, size in weight.items() if size > HEAVIEST} == {}


def own_files(node: ast.AST) -> list[Path]:
    """Give the files of this collection that an import statement brings."""
    names = imported(node)
    if isinstance(node, ast.ImportFrom):
        names += [f"{node.module}.{alias.name}" for alias in node.names]
    places = [ROOT.joinpath(*name.removeprefix(OURS).split(".")) for name in names if name.startswith(OURS)]
    return [place.with_suffix(".py") for place in places if place.with_suffix(".py").is_file()]


def test_the_action_group_holds_exactly_the_modules_that_take_a_repository() -> None:
    group = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]["butler"]
    assert group == sorted(group)
    taking = [name for name, doc in documented().items() if "repo" in doc["options"]]
    assert sorted(f"rubin.butler.{name}" for name in group) == sorted(taking)


def test_modules_that_are_watched_are_those_that_take_progress() -> None:
    watched = {f"rubin.butler.{path.stem}" for path in (ROOT / "plugins" / "action").glob("*.py")}
    assert watched == {name for name, doc in documented().items() if "progress" in doc["options"]}


@pytest.mark.parametrize("name", [path.stem for path in modules()])
def test_documentation(name: str) -> None:
    doc = documented()[f"rubin.butler.{name}"]
    for attribute in ("check_mode", "diff_mode", "idempotent"):
        assert doc["attributes"][attribute]["support"] in {"full", "partial", "none", "N/A"}
    for options in all_options(doc["options"]):
        for option, entry in options.items():
            assert entry["description"], f"option {option} of {name} says nothing"


def all_options(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield options
    for entry in options.values():
        if entry.get("suboptions"):
            yield from all_options(entry["suboptions"])


def test_no_tracked_file_names_somebodys_machine() -> None:
    folders = "|".join(["home", "root", "Users", "work", "farm"])
    theirs = re.compile(rf"(?<![\w.$}}~-])/(?:{folders})/\w")
    found = []
    for path in tracked():
        for number, line in enumerate(path.read_bytes().decode(errors="replace").splitlines(), start=1):
            if theirs.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line[:100]}")
    assert found == []


def test_no_name_is_a_bare_underscore() -> None:
    # ansible-test's pylint forbids it, a minute later than this.
    found = []
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Name) and node.id == "_":
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == [], "write _unused"


def test_setup_and_galaxy_take_the_same_collections() -> None:
    wanted = yaml.safe_load((ROOT / "requirements.yml").read_text())["collections"]
    assert {entry["name"]: entry["version"] for entry in wanted} == {
        ".".join(name): version for name, version in prepare.WANTED.items()
    }


def test_every_direct_pin_is_in_the_constraints() -> None:
    pin = re.compile(r"^([\w.-]+)(?:\[\w+\])?==(\S+)", re.MULTILINE)
    constraints = {
        name.lower(): version for name, version in pin.findall((ROOT / "constraints.txt").read_text())
    }
    direct: dict[str, str] = {}
    for part in ("", "-controller", "-test", "-dev"):
        direct |= dict(pin.findall((ROOT / f"requirements{part}.txt").read_text()))
    assert len(direct) > 20
    assert {name: constraints.get(name.lower()) for name in direct} == direct
