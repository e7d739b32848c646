# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_import and bad input: a clear error, and nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._states.imports.state import ImportsState
from lsst.daf.butler import Butler

from tests.integration.ansible_play import run
from tests.integration.canonical import dump
from tests.integration.exports import (
    CALIBRATIONS,
    declare,
    import_here,
    parse_head,
    rewrite,
    sections_of,
    write_case,
)

Sections = list[dict[str, Any]]


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give one repository for all: no test writes to it."""
    root = tmp_path_factory.mktemp("bad") / "repo"
    Butler.makeRepo(root)
    return root


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_case(CALIBRATIONS, tmp_path / "site")


def refused(repo: Path, *expected: str, **params: Any) -> str:
    before = dump(repo)
    with pytest.raises(ButlerError) as caught:
        import_here(repo, params)
    for text in expected:
        assert text in str(caught.value)
    after = dump(repo)
    # The datastore's table is registered by the first opening, whatever the task is.
    assert {**after, "opaque_meta": []} == {**before, "opaque_meta": []}
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "it is empty"),
        ("- a\n- list\n", "it is YAML, but not a Butler export"),
        ("some: yaml\nof: another kind\n", "it is YAML, but not a Butler export"),
        ("version: 1.0.2\ndata: {}\n", "it is YAML, but not a Butler export"),
        ("version: [1.0\ndata: []\n", "it is not YAML: line "),
        ("version: 1.0.2\ndata:\n- !!python/object/apply:os.getcwd []\n", "it is not YAML: line 3: the tag"),
        ("version: 1.0.2\ndata:\n- &a [*a]\n", "the alias *a stands for nothing"),
        ("version: 2.0.0\ndata: []\n", "its format version is 2.0.0, and 1.0 is the newest known"),
        ("version: 1.1.0\ndata: []\n", "its format version is 1.1.0, and 1.0 is the newest known"),
        ("version: newest\ndata: []\n", "its format version is 'newest'"),
        (
            "version: 1.0.2\nuniverse_namespace: my_survey\nuniverse_version: 1\ndata: []\n",
            "it uses the dimension universe 'my_survey', and the repository uses 'daf_butler'",
        ),
        (
            "version: 1.0.2\nuniverse_namespace: daf_butler\nuniverse_version: 99\ndata: []\n",
            "it uses version 99 of the dimension universe daf_butler, and the repository version",
        ),
        ("version: 1.0.2\nuniverse_version: eight\ndata: []\n", "its universe_version is 'eight'"),
        ("version: 1.0.2\ndata: [" + "[" * 5000, "it is nested too deeply for an export"),
    ],
)
def test_what_is_no_export(content: str, reason: str, repo: Path, tmp_path: Path) -> None:
    file = tmp_path / "export.yaml"
    file.write_text(content)
    message = refused(repo, reason, **declare(file))
    assert f"imports[0].file: {file} can't be imported" in message


def section(sections: Sections, kind: str) -> dict[str, Any]:
    return next(data for data in sections if data["type"] == kind)


def record(sections: Sections) -> dict[str, Any]:
    found: dict[str, Any] = section(sections, "dataset")["records"][1]
    return found


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: data.append({"type": "pipeline"}), "unknown type 'pipeline'; expected one of"),
        (lambda data: data.append("text"), "unknown type None"),
        (lambda data: section(data, "dimension").update(element="telescope"), "no dimension element 'telesc"),
        (lambda data: section(data, "dimension")["records"][0].pop("name"), "this is no instrument"),
        (lambda data: section(data, "dimension")["records"][0].update(color="red"), "Invalid fields"),
        (
            lambda data: section(data, "dimension")["records"][0].update(visit_max="many"),
            "'many', and int is",
        ),
        (lambda data: section(data, "dimension")["records"][0].update(name="C" * 33), "is longer than"),
        (lambda data: section(data, "dimension").update(records=None), "records is None, and a list is"),
        (lambda data: section(data, "collection").update(collection_type="BAG"), "collection_type is 'BAG'"),
        (lambda data: section(data, "collection").update(name=None), "name is None, and a name is expected"),
        (lambda data: section(data, "dataset_type")["dimensions"].append("color"), "no dimension color"),
        (
            lambda data: section(data, "dataset_type").update(storage_class="Nothing"),
            "there is no storage class 'Nothing'",
        ),
        (lambda data: record(data).update(dataset_id=["a"]), "records[1]): dataset_id is 'a'"),
        (lambda data: record(data).update(dataset_id=[]), "do not belong together"),
        (lambda data: record(data).pop("path"), "path is None: a dataset without an artifact"),
        (lambda data: record(data).update(formatter="no class"), "formatter is 'no class'"),
        (lambda data: record(data).update(data_id=[{"instrument": "Cam"}]), "its data ID has no detector"),
        (
            lambda data: record(data).update(data_id=[{"instrument": "Cam", "detector": "1"}]),
            "detector is '1', and int is expected",
        ),
        (
            lambda data: section(data, "associations").update(collection_type="RUN"),
            "TAGGED or CALIBRATION is",
        ),
    ],
)
def test_a_faulty_entry_is_named(
    change: Callable[[Sections], object], reason: str, repo: Path, file: Path
) -> None:
    sections = sections_of(file)
    change(sections)
    rewrite(file, sections)
    message = refused(repo, reason, **declare(file, transfer="direct"))
    assert f"{file} line " in message and "(data[" in message


def test_all_faults_of_all_exports_are_listed(repo: Path, file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("nothing: here\n")
    sections = sections_of(file)
    section(sections, "dimension")["records"][0]["color"] = "red"
    record(sections)["path"] = ""
    rewrite(file, sections)
    message = refused(repo, imports=[{"file": str(file)}, {"file": str(other)}])
    assert len([line for line in message.splitlines() if line.startswith("  - ")]) == 3


def test_an_association_of_a_dataset_that_is_nowhere(repo: Path, file: Path) -> None:
    sections = sections_of(file)
    section(sections, "dataset")["records"].pop(1)
    rewrite(file, sections)
    refused(
        repo,
        "datasets such as",
        "are neither in an export nor in the repository",
        **declare(file, transfer="direct"),
    )


def test_a_directory_is_no_export(repo: Path, tmp_path: Path) -> None:
    refused(repo, f"{tmp_path} can't be read: IsADirectoryError", **declare(tmp_path))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"path_map": {"^(": "x"}}, "path_map: '^('"),
        ({"path_map": {r"^(a)": r"\2"}}, "path_map: '^(a)'"),
        ({"path_map": {"/a": 1}}, "path_map: '/a': 1"),
        ({"skip_dimensions": ["telescope"]}, "skip_dimensions: there is no dimension element telescope"),
        (
            {"transfer": "symlink", "directory": "davs://host/data"},
            "transfer mode 'symlink' needs local files",
        ),
        (
            {"directory": "davs://me:secret@host/data"},
            "directory: davs://host/data comes with user information",
        ),
    ],
)
def test_options_that_can_not_be_meant(options: dict[str, Any], reason: str, repo: Path, file: Path) -> None:
    message = refused(repo, reason, **declare(file, **options))
    assert "secret" not in message


def test_an_export_declared_twice() -> None:
    with pytest.raises(ButlerError, match=r"imports\[1\].file: /data/e.yaml is imports\[0\] already"):
        ImportsState.from_params({"imports": [{"file": "/data/e.yaml"}, {"file": "/data/../data/e.yaml"}]})


def test_through_ansible_the_file_and_the_entry_are_named(repo: Path, file: Path) -> None:
    assert parse_head(file)["universe_namespace"] == "daf_butler"
    rewrite(file, sections_of(file), universe_namespace="my_survey")
    result = run("butler_import", {"repo": str(repo), "imports": [{"file": str(file)}]})
    assert (
        result.failed
        and f"imports[0].file: {file} can't be imported: it uses the dimension" in result.message
    )
    assert "Nothing was written" in result.message
