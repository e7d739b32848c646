# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the WebDAV server beneath a repository: the right message, and a clean continuation."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report

from tests.integration.davs_repository import DavsRepository, make_davs_repository, write_remote_raws
from tests.integration.full_disk import fill
from tests.integration.interruptions import at_boundaries, at_boundary, before_insert
from tests.integration.postgres import Database
from tests.integration.raw_files import TOTAL
from tests.integration.raw_states import BEFORE_BATCHES, raws
from tests.integration.webdav import PASSWORD, WebDav
from tests.integration.webdav_tokens import web_token


@pytest.fixture
def server(webdav: WebDav) -> Iterator[WebDav]:
    """Give the server, which is running and well afterwards whatever a test does to it."""
    accounts = webdav.folder / "passwords"
    kept = accounts.read_text()
    yield webdav
    accounts.write_text(kept)
    webdav.before = None
    webdav.show("good")
    webdav.stop()
    webdav.start()


@pytest.fixture
def repo(
    server: WebDav, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> DavsRepository:
    repository = make_davs_repository(server, database, tmp_path, monkeypatch)
    repository.register()
    return repository


def ingest(
    repo: DavsRepository, source: str, report: Report | None = None, *, check: bool = False, **params: Any
) -> Any:
    return repo.converge(raws(source, batch_size=4, **params), report=report, check=check)


def completes(repo: DavsRepository, source: str, transfer: str = "copy") -> None:
    """Check that a run completes what is there, and that one more finds nothing to do."""
    ingest(repo, source, transfer=transfer)
    stored = repo.stored()
    assert len(stored) == TOTAL
    if transfer == "copy":
        assert sorted(map(repo.server.uri, repo.artifacts())) == sorted(stored.values())
    assert not ingest(repo, source, transfer=transfer).changed


@pytest.mark.parametrize("on_error", ["fail", "skip"])
def test_a_server_that_goes_away_within_a_batch(on_error: str, repo: DavsRepository) -> None:
    source = write_remote_raws(repo.server)
    with (
        before_insert("dataset", 3, repo.server.stop, "ccms1"),
        pytest.raises(ButlerError, match=r"the ingest into .* broke off: ") as caught,
    ):
        ingest(repo, source, on_error=on_error)
    assert "refuses connections" in str(caught.value) and "Completed batches stay" in str(caught.value)
    assert PASSWORD not in str(caught.value)
    with pytest.raises(
        ButlerError, match=f"{repo.uri} can't be reached: localhost:{repo.server.port} refuses"
    ):
        ingest(repo, source)
    repo.server.start()
    assert len(repo.stored()) == 8
    completes(repo, source)


@pytest.mark.parametrize("on_error", ["fail", "skip"])
def test_a_file_that_is_offline_does_not_keep_the_others(on_error: str, repo: DavsRepository) -> None:
    source = write_remote_raws(repo.server)
    folder = next(path for path in repo.server.data.iterdir() if source == repo.server.uri(path))
    files = sorted(path for path in folder.rglob("*.fits*"))
    marks: list[Path] = []
    report = at_boundary(
        BEFORE_BATCHES + 1, lambda: marks.append(repo.server.take_offline(files[len(files) // 2]))
    )
    if on_error == "fail":
        with pytest.raises(ButlerError, match=f"{files[len(files) // 2].name} can't be ingested"):
            ingest(repo, source, report, transfer="copy")
    else:
        outcome = ingest(repo, source, report, transfer="copy", on_error="skip")
        assert outcome.stats["failed"] == 1 and len(repo.stored()) == TOTAL - 1
    marks[0].unlink()
    completes(repo, source)


def test_no_room_on_the_server(repo: DavsRepository) -> None:
    source = write_remote_raws(repo.server)

    def no_room() -> None:
        repo.server.stop()
        repo.server.before = partial(fill, "write", 2000)
        repo.server.start()

    with pytest.raises(ButlerError, match=r"broke off: .*507") as caught:
        ingest(repo, source, at_boundary(BEFORE_BATCHES + 3, no_room), on_error="skip")
    assert "no more room" in str(caught.value) and "Completed batches stay" in str(caught.value)
    assert len(repo.stored()) == len(repo.artifacts()) == 8
    repo.server.stop()
    repo.server.before = None
    repo.server.start()
    completes(repo, source)


def test_a_token_is_read_again_and_its_end_is_told(
    repo: DavsRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_remote_raws(repo.server)
    first, second, third = (web_token(exp=number) for number in (1_800_000_000, 1_600_000_000, 1_900_000_000))
    file = tmp_path / "token"
    file.touch(0o600)
    file.write_text(first)
    repo.server.allow(service=first)
    repo.know(monkeypatch, token=str(file))

    def renew() -> None:
        file.write_text(second)
        repo.server.allow(service=second)

    ends = partial(repo.server.allow, service=third)
    report = at_boundaries({BEFORE_BATCHES + 2: renew, BEFORE_BATCHES + 4: ends})
    with pytest.raises(ButlerError, match=r"broke off: .*401") as caught:
        ingest(repo, source, report, on_error="skip")
    assert f"refuses the token in {file} (401): it has expired on 2020-09-13 12:26:40 UTC" in str(
        caught.value
    )
    assert second not in str(caught.value) and "Completed batches stay" in str(caught.value)
    with pytest.raises(ButlerError, match="it has expired on 2020-09-13"):
        ingest(repo, source)
    file.write_text(third)
    assert len(repo.stored()) == len(repo.artifacts()) == 12
    completes(repo, source)


@pytest.mark.parametrize(
    ("certificate", "said"),
    [
        ("expired", r"the certificate of localhost has expired on "),
        ("unknown", r"unknown CA of the tests"),
        ("other", r"the certificate .* localhost"),
    ],
)
def test_a_certificate_that_is_not_right_any_more(certificate: str, said: str, repo: DavsRepository) -> None:
    source = write_remote_raws(repo.server)
    report = at_boundary(BEFORE_BATCHES + 3, lambda: repo.server.show(certificate))
    with pytest.raises(ButlerError, match=rf"(?s)broke off: .*{said}") as caught:
        ingest(repo, source, report, on_error="skip")
    assert "Completed batches stay" in str(caught.value)
    with pytest.raises(ButlerError, match=said):
        ingest(repo, source)
    repo.server.show("good")
    assert len(repo.stored()) == len(repo.artifacts()) == 8
    completes(repo, source)


def test_a_password_that_is_changed_on_the_server(repo: DavsRepository) -> None:
    source = write_remote_raws(repo.server)
    accounts = repo.server.folder / "passwords"
    kept = accounts.read_text()

    def change() -> None:
        accounts.write_text(kept.replace("}", "}x"))

    report = at_boundary(BEFORE_BATCHES + 3, change)
    with pytest.raises(ButlerError, match=r"broke off: .*401") as caught:
        ingest(repo, source, report, on_error="skip")
    said = str(caught.value)
    assert "refuses user service with the password given (401)" in said and PASSWORD not in said
    assert "Completed batches stay" in said
    accounts.write_text(kept)
    assert len(repo.stored()) == len(repo.artifacts()) == 8
    completes(repo, source)
