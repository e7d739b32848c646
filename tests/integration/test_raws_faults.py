# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_raws: files, indexes, sidecars and directories at fault lose nothing, and are named."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.raw_index import RawIndexState
from ansible_collections.rubin.butler.plugins.module_utils._storage.listing import FILE_PATTERN

from tests.integration.canonical import difference, dump
from tests.integration.converging import converge_here
from tests.integration.raw_files import TOTAL, write_raws
from tests.integration.raw_states import (
    assert_records_are_official,
    ingest,
    raws,
    register,
    stored,
)

NIGHT = "20241108/CC_O_20241108_000010"
BIAS = f"{NIGHT}/CC_O_20241108_000010_R22_S00.fits"
NOBODY = 65534


@pytest.fixture
def source(repo: Path) -> Path:
    """Give the raws of LSSTComCam beside a repository that knows the instrument."""
    register(repo, "LSSTComCam")
    write_raws(repo.parent / "raw")
    return repo.parent / "raw"


def write_indexes(folder: Path, content: str) -> None:
    """Write the index of each directory."""
    params = {
        "directories": [str(folder)],
        "instrument": "LSSTComCam",
        "content": content,
        "file_pattern": FILE_PATTERN,
        "processes": 1,
        "on_error": "fail",
    }
    assert converge_here(RawIndexState.from_params(params), None).changed


def write_sidecars(folder: Path, content: str) -> None:
    """Write the sidecar of each file, and no index."""
    write_indexes(folder, content)
    for path in folder.rglob("_index.json"):
        entries = json.loads(path.read_text())
        common, said = entries.pop("__COMMON__"), entries.pop("__CONTENT__")
        for name, entry in entries.items():
            told = {"__CONTENT__": said, **common, **entry}
            (path.parent / name).with_suffix(".json").write_text(json.dumps(told))
        path.unlink()


BESIDE = {"indexes": (write_indexes, "translated"), "sidecars": (write_sidecars, "metadata")}


@pytest.fixture(params=BESIDE)
def told(request: pytest.FixtureRequest, source: Path) -> Path:
    """Give raws with indexes or sidecars beside them."""
    write, content = BESIDE[request.param]
    write(source, content)
    return source


def refused(repo: Path, *sources: Path, **params: Any) -> ButlerError:
    """Ingest, which has to fail in check mode and in earnest in the same way and to write nothing."""
    before = dump(repo)
    errors = []
    for check_mode in (True, False):
        with pytest.raises(ButlerError) as caught:
            ingest(repo, *sources, check_mode=check_mode, **params)
        errors.append(caught.value)
    assert str(errors[0]) == str(errors[1])
    assert not difference(before, dump(repo)), "something was written"
    return errors[0]


def completes(repo: Path, *sources: Path, **params: Any) -> None:
    """Check that a run completes what is there, and that the next one finds nothing to do."""
    ingest(repo, *sources, **params)
    assert len(stored(repo)) == TOTAL
    assert_records_are_official(repo)
    again = ingest(repo, *sources, **params)
    assert not again.changed and again.stats["present"] == TOTAL and again.stats["failed"] == 0


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere.fits")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (empty, "is empty (0 bytes)"),
        (cut, "is truncated: it ends within the data of HDU"),
        (dangling, "is a symbolic link to nowhere.fits, which is not there"),
    ],
)
def test_what_is_told_of_a_file_that_is_not_whole_is_not_believed(
    damage: Callable[[Path], None], said: str, repo: Path, told: Path
) -> None:
    content = (told / BIAS).read_bytes()
    damage(told / BIAS)
    [detail] = refused(repo, told).details
    assert said in detail and detail.startswith(str(told / BIAS))
    outcome = ingest(repo, told, on_error="skip", transfer="direct")
    assert outcome.stats["failed"] == 1 and len(stored(repo)) == TOTAL - 1
    assert outcome.failures == [{"name": str(told / BIAS), "reason": detail}]
    (told / BIAS).unlink()
    (told / BIAS).write_bytes(content)
    completes(repo, told, transfer="direct")


def test_a_file_that_is_gone_but_told_of_is_not_ingested(repo: Path, told: Path) -> None:
    content = (told / BIAS).read_bytes()
    (told / BIAS).unlink()
    outcome = ingest(repo, told, transfer="direct")
    assert outcome.notices == [] and len(stored(repo)) == TOTAL - 1
    error = refused(repo, told / BIAS)
    assert f"{told / BIAS} is not there" in str(error)
    (told / BIAS).write_bytes(content)
    completes(repo, told, transfer="direct")


@pytest.mark.parametrize(
    ("other", "tells"),
    [
        (f"{NIGHT}/CC_O_20241108_000010_R22_S22.fits", "exposure 2024110800010 detector 8"),
        (
            "20241108/CC_O_20241108_000266/CC_O_20241108_000266_R22_S00.fits",
            "exposure 2024110800266 detector 0",
        ),
    ],
    ids=["detector", "exposure"],
)
@pytest.mark.parametrize("content", ["translated", "metadata"])
def test_a_sidecar_of_another_raw(content: str, other: str, tells: str, repo: Path, source: Path) -> None:
    write_sidecars(source, content)
    sidecar = (source / BIAS).with_suffix(".json")
    shutil.copy((source / other).with_suffix(".json"), sidecar)
    promised = ingest(repo, source, check_mode=True)
    [notice] = promised.notices
    assert notice.startswith(f"{sidecar} disagrees with {source / BIAS}, whose header is read instead: ")
    assert tells in notice
    assert ingest(repo, source).notices == [notice]
    completes(repo, source)


@pytest.mark.parametrize("content", ["translated", "metadata"])
def test_an_index_of_other_raws_of_the_same_names(content: str, repo: Path, source: Path) -> None:
    write_indexes(source, content)
    index = source / NIGHT / "_index.json"
    entries = json.loads(index.read_text())
    first, last = (f"CC_O_20241108_000010_R22_S{slot}.fits" for slot in ("00", "22"))
    entries[first], entries[last] = entries[last], entries[first]
    index.write_text(json.dumps(entries))
    outcome = ingest(repo, source)
    assert len(outcome.notices) == 2
    for name, notice in zip((first, last), outcome.notices, strict=True):
        assert notice.startswith(f"{index} disagrees with {source / NIGHT / name}")
    completes(repo, source)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"__COMMON__"', "is no JSON"),
        (b"[1, 2]", "holds a list, expected an object"),
        (b'{"__COMMON__": {}, "__CONTENT__": "pixels"}', "says that its __CONTENT__ is 'pixels'"),
        (b"", "is no JSON"),
    ],
    ids=["cut", "list", "content", "empty"],
)
def test_a_corrupt_index_is_warned_about_once(data: bytes, said: str, repo: Path, source: Path) -> None:
    write_indexes(source, "translated")
    index = source / NIGHT / "_index.json"
    whole = index.read_bytes()
    index.write_bytes(data)
    for check_mode in (True, False):
        [notice] = ingest(repo, source, check_mode=check_mode).notices
        assert notice.startswith(f"{index} {said}") and notice.endswith("headers are read instead")
    index.write_bytes(whole)
    completes(repo, source)
    # One that is named as a source is to be used, so it is an error.
    index.write_bytes(data)
    with pytest.raises(ButlerError) as caught:
        ingest(None, source, index, check_mode=True)
    assert str(caught.value).startswith(f"sources: {index} {said}")


def test_a_sidecar_of_another_instrument(repo: Path, source: Path) -> None:
    write_sidecars(source, "translated")
    sidecar = (source / BIAS).with_suffix(".json")
    told = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps(told | {"instrument": "LATISS"}))
    [notice] = ingest(repo, source).notices
    assert str(sidecar) in notice and str(source / BIAS) in notice and "LATISS" in notice
    completes(repo, source)


@pytest.mark.parametrize("missing", ["exposure_id", "datetime_begin"])
def test_a_sidecar_without_a_property(missing: str, repo: Path, source: Path) -> None:
    write_sidecars(source, "translated")
    sidecar = (source / BIAS).with_suffix(".json")
    told = json.loads(sidecar.read_text())
    del told[missing]
    sidecar.write_text(json.dumps(told))
    [notice] = ingest(repo, source).notices
    assert str(sidecar) in notice and missing in notice
    completes(repo, source)


@pytest.mark.parametrize("value", [None, "yesterday", {}])
def test_a_sidecar_with_nonsense_in_it(value: object, repo: Path, source: Path) -> None:
    write_sidecars(source, "translated")
    sidecar = (source / BIAS).with_suffix(".json")
    told = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps(dict.fromkeys(told, value) | {"__CONTENT__": "translated"}))
    [notice] = ingest(repo, source).notices
    assert str(sidecar) in notice and str(source / BIAS) in notice
    completes(repo, source)


@pytest.mark.parametrize("beside", [None, "metadata"])
def test_a_copy_in_another_directory(beside: str | None, repo: Path, source: Path) -> None:
    copy = source / "again" / Path(BIAS).name
    copy.parent.mkdir()
    shutil.copy(source / BIAS, copy)
    if beside:
        write_indexes(source, beside)
    error = refused(repo, source)
    assert error.details == (
        f"raw exposure 2024110800010 detector 0: is in more than one file: {source / BIAS}, {copy}",
    )
    outcome = ingest(repo, source, on_conflict="keep", transfer="direct")
    assert outcome.stats["skipped"] == 1 and len(stored(repo)) == TOTAL
    shutil.rmtree(copy.parent)
    completes(repo, source, transfer="direct")


@pytest.mark.parametrize("beside", [None, "translated"])
def test_an_exposure_in_two_directories(beside: str | None, repo: Path, source: Path) -> None:
    moved = source / "again" / Path(BIAS).name
    moved.parent.mkdir()
    (source / BIAS).rename(moved)
    if beside:
        write_indexes(source, beside)
    assert ingest(repo, source, check_mode=True).notices == []
    completes(repo, source)


def _as_nobody(repo: Path, source: Path, transfer: str, send: Any) -> None:
    """Ingest as somebody who has no rights but the ones that the files give to all."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    try:
        outcome = ingest(repo, source, transfer=transfer)
    except ButlerError as error:
        send.send(str(error))
    except Exception as error:
        send.send(f"unexpected {type(error).__name__}: {error}")
    else:
        send.send((outcome.stats, outcome.notices))


def as_nobody(repo: Path, source: Path, transfer: str = "direct") -> Any:
    """Ingest in a process that is not root, as tests may be; give statistics and notices, or its error."""
    if os.geteuid() == 0:
        # The folders above are pytest's, which nobody else may enter.
        for folder in repo.parents:
            if folder.stat().st_mode & 0o077 == 0:
                folder.chmod(0o711)
        for path in (repo, *repo.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_as_nobody, args=(repo, source, transfer, send))
    process.start()
    send.close()
    said = receive.recv()
    process.join()
    return said


@pytest.mark.parametrize("what", [NIGHT, BIAS], ids=["directory", "file"])
def test_what_may_not_be_read_is_named(what: str, repo: Path, source: Path) -> None:
    hidden = source / what
    mode = hidden.stat().st_mode & 0o777
    hidden.chmod(0)
    before = dump(repo)
    said = as_nobody(repo, source)
    assert isinstance(said, str) and str(hidden) in said and "Permission denied" in said, said
    assert not difference(before, dump(repo)), "something was written"
    hidden.chmod(mode)
    stats, _unused = as_nobody(repo, source)
    assert stats["failed"] == 0 and len(stored(repo)) == TOTAL
    assert as_nobody(repo, source)[0]["present"] == TOTAL


@pytest.mark.parametrize(
    ("on_error", "transfer"),
    [("fail", "direct"), ("skip", "direct"), ("fail", "move"), ("skip", "hardlink"), ("fail", "symlink")],
)
def test_a_file_that_vanishes_between_plan_and_apply(
    on_error: str, transfer: str, repo: Path, source: Path
) -> None:
    lost = source / BIAS
    content = lost.read_bytes()
    state = raws(source, on_error=on_error, transfer=transfer, batch_size=5)
    repository = open_repository(str(repo), writeable=True)
    report = Report()
    with repository.butler:
        plan = state.plan(state.observe(repository))
        lost.unlink()
        if on_error == "fail":
            with pytest.raises(ButlerError, match=f"{lost} can't be ingested"):
                state.apply(repository, plan, report)
        else:
            state.apply(repository, plan, report)
            assert report.failed == 1 and report.failures[0]["name"] == str(lost)
            assert len(stored(repo)) == TOTAL - 1
    lost.write_bytes(content)
    ingest(repo, source, transfer=transfer)
    assert len(stored(repo)) == TOTAL
    assert_records_are_official(repo)
    if transfer != "move":
        assert not ingest(repo, source, transfer=transfer).changed


def test_more_files_vanish_than_are_borne(repo: Path, source: Path) -> None:
    files = sorted(source.rglob("*.fits"))
    contents = {path: path.read_bytes() for path in (files[1], files[9], files[17])}
    state = raws(source, on_error="skip", max_errors=1, transfer="direct", batch_size=4)
    repository = open_repository(str(repo), writeable=True)
    report = Report()
    with repository.butler:
        plan = state.plan(state.observe(repository))
        for path in contents:
            path.unlink()
        with pytest.raises(ButlerError) as caught:
            state.apply(repository, plan, report)
    assert caught.value.option == "max_errors"
    assert caught.value.message.startswith(f"more than 1 files failed; the last: {files[9]}: ")
    assert [failure["name"] for failure in report.failures] == [str(files[1]), str(files[9])]
    kept = len(stored(repo))
    assert 0 < kept < TOTAL - 2, "completed batches were lost, or the run went on"
    for path, content in contents.items():
        path.write_bytes(content)
    completes(repo, source, transfer="direct")


def test_files_that_fail_before_and_after_the_plan_count_together(repo: Path, source: Path) -> None:
    files = sorted(source.rglob("*.fits"))
    contents = {path: path.read_bytes() for path in (files[1], files[9])}
    empty(files[1])
    state = raws(source, on_error="skip", max_errors=1, transfer="copy")
    repository = open_repository(str(repo), writeable=True)
    report = Report()
    state.watch(report)
    with repository.butler:
        plan = state.plan(state.observe(repository))
        files[9].unlink()
        with pytest.raises(ButlerError, match="more than 1 files failed") as caught:
            state.apply(repository, plan, report)
    assert caught.value.option == "max_errors" and report.failed == 2
    for path, content in contents.items():
        path.write_bytes(content)
    completes(repo, source)


def test_a_moved_file_whose_source_can_not_be_removed_is_said(repo: Path, source: Path) -> None:
    if os.geteuid() == 0:
        for path in (source, *source.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
    folder = (source / BIAS).parent
    folder.chmod(0o555)
    stats, notices = as_nobody(repo, source, transfer="move")
    assert stats["failed"] == 0 and len(stored(repo)) == TOTAL, "what was ingested counts as failed"
    assert stats["added"] == TOTAL + 2 + 2 + 7 + 8
    [notice] = notices
    assert notice.startswith(f"ingested, but its source can't be removed: {folder}/")
    assert_records_are_official(repo)
    folder.chmod(0o755)
    left = sorted(source.rglob("*.fits"))
    assert left == sorted(folder.iterdir()), "more or less than what can't be removed stayed"
    assert as_nobody(repo, source, transfer="move")[0]["present"] == len(left)
