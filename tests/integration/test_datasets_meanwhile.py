# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_datasets ends no membership that its plan did not show."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from lsst.daf.butler import Butler, CollectionType, Timespan
from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.integration.interruptions import at_boundary, before_statement
from tests.integration.removal_cases import (
    CALIB,
    LATER,
    RUN,
    TAG,
    artifacts,
    fill,
    filled_copy,
    held,
    removed,
)
from tests.integration.repository_runs import present

KEEP, NEW = "Cam/keep", "Cam/kept"
DAY = Timespan.from_day_obs(20260101, 0)
FORGET = {"forget_unstored": True}
PURGE = {"removal": "purge"}


@pytest.fixture(params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    repo = tmp_path / "repo"
    if request.param == "sqlite":
        filled_copy(repo)
    else:
        present(repo, {"registry": {"db": request.getfixturevalue("database").url}})
        fill(repo, tmp_path / "raws")
    with Butler.from_config(repo, writeable=True) as butler:
        butler.collections.register(KEEP, CollectionType.CALIBRATION)
    return repo


def certify(repo: Path, collection: str = KEEP, detector: int = 1) -> None:
    with Butler.from_config(repo, writeable=True) as butler:
        where = f"instrument = 'Cam' AND detector = {detector}"
        butler.registry.certify(collection, butler.query_datasets("bias", RUN, where=where), DAY)


def tag(repo: Path, collection: str = NEW, detector: int = 1) -> None:
    """Tag a bias, in a collection that may be made for that."""
    with Butler.from_config(repo, writeable=True) as butler:
        butler.collections.register(collection, CollectionType.TAGGED)
        where = f"instrument = 'Cam' AND detector = {detector}"
        butler.registry.associate(collection, butler.query_datasets("bias", RUN, where=where))


def tag_and_certify(repo: Path) -> None:
    certify(repo)
    tag(repo)


VALID = "[2026-01-01T00:00:00, 2026-01-02T00:00:00)"
BIAS = f"bias@{{instrument: 'Cam', detector: 1}} of {RUN} is now"
CERTIFIED = f"{BIAS} certified for {VALID} in {KEEP}, which is protected"
TAGGED = f"{BIAS} tagged in {NEW}"
AGAIN = f"{BIAS.replace(': 1', ': 0')} certified for {VALID} in {CALIB}"


@pytest.mark.parametrize("options", [PURGE, FORGET], ids=["purge", "forget"])
def test_what_joins_a_collection_meanwhile_stays(options: dict[str, Any], filled: Path) -> None:
    if options is FORGET:
        shutil.rmtree(filled / RUN)
    before = artifacts(filled)
    report = at_boundary(2, lambda: tag_and_certify(filled))
    with pytest.raises(ButlerError, match="meanwhile, which the plan did not show") as caught:
        removed(filled, batch_size=1, protect=[KEEP], report=report, **options)
    assert caught.value.details == (CERTIFIED, TAGGED)
    assert "Completed batches stay removed. Run the task again: its plan shows" in str(caught.value)
    found = held(filled)
    assert found[KEEP] == found[NEW] == ["bias 1"] and found[RUN] == ["bias 1", "bias 2"]
    assert artifacts(filled) == (before[1:] if options is PURGE else before)
    with pytest.raises(ButlerError, match=f"{KEEP}: it is protected, and would lose 1 bias, valid "):
        removed(filled, protect=[KEEP], **options)
    again = removed(filled, **options)
    shown = {f"{change.kind} {change.name}" for change in again.changes}
    assert {f"certifications bias in {KEEP}", f"memberships bias in {NEW}"} <= shown
    assert held(filled)[RUN] == [] == held(filled)[KEEP] and not removed(filled, **options).changed


@pytest.mark.parametrize("filled", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("join", "said"),
    [(tag, TAGGED), (lambda repo: certify(repo, CALIB, 0), AGAIN)],
    ids=["tagged", "another range"],
)
def test_each_new_membership_counts(join: Callable[[Path], None], said: str, filled: Path) -> None:
    before = held(filled)
    with pytest.raises(ButlerError) as caught:
        removed(filled, batch_size=10, report=Report(begin=lambda: join(filled)), **PURGE)
    assert caught.value.details == (said,)
    if said == AGAIN:  # of the first batch
        assert held(filled) == {**before, CALIB: sorted([*before[CALIB], "bias 0"])}
    assert removed(filled, **PURGE).changed


@pytest.mark.parametrize("filled", ["sqlite"], indirect=True)
def test_memberships_that_end_meanwhile_do_not_matter(filled: Path) -> None:
    def leave() -> None:
        removed(filled, removal="disassociate", tags=[TAG])
        with Butler.from_config(filled, writeable=True) as butler:
            butler.registry.decertify(CALIB, "bias", Timespan(None, None))

    tag(filled, NEW, 2)
    removed(filled, batch_size=1, report=at_boundary(2, leave), **PURGE)
    found = held(filled)
    assert found[RUN] == found[TAG] == found[CALIB] == found[NEW] == []


@pytest.mark.parametrize("filled", ["sqlite"], indirect=True)
def test_protected_collections_keep_artifacts_that_they_have_meanwhile(filled: Path) -> None:
    before = artifacts(filled)
    report = at_boundary(2, lambda: tag(filled))
    with pytest.raises(ButlerError, match=f"tagged in {NEW}, which is protected"):
        removed(filled, batch_size=1, removal="unstore", protect=["Cam/ke*"], report=report)
    assert artifacts(filled) == before[1:]
    report = at_boundary(1, lambda: certify(filled, KEEP, 2))
    assert removed(filled, batch_size=1, removal="unstore", protect=[LATER], report=report).changed
    assert artifacts(filled) == before[3:] and held(filled)[KEEP] == ["bias 2"]


@pytest.mark.parametrize("filled", ["postgresql"], indirect=True)
@pytest.mark.parametrize("options", [PURGE, FORGET], ids=["purge", "forget"])
def test_what_joins_at_the_last_moment_stays(options: dict[str, Any], filled: Path) -> None:
    if options is FORGET:
        shutil.rmtree(filled / RUN)
    with (
        before_statement("DELETE FROM public.dataset WHERE", 1, lambda: tag(filled, NEW, 0)),
        pytest.raises(ButlerError, match="meanwhile, which the plan did not show") as caught,
    ):
        removed(filled, batch_size=10, **options)
    assert ("artifacts of this batch are removed" in str(caught.value)) is (options is PURGE)
    found = held(filled)
    assert found[NEW] == ["bias 0"] and len(found[RUN]) == 3
    assert removed(filled, **options).changed and held(filled)[NEW] == []


def statements_of(repo: Path, batch_size: int) -> list[str]:
    """Give what is queried while three biases are purged."""
    statements: list[str] = []

    def on_statement(_connection: Any, _cursor: Any, statement: str, *_unused: Any) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", on_statement)
    try:
        removed(repo, batch_size=batch_size, report=Report(begin=statements.clear), **PURGE)
    finally:
        event.remove(Engine, "before_cursor_execute", on_statement)
    return [statement for statement in statements if statement.lstrip().startswith(("SELECT", "WITH"))]


@pytest.mark.parametrize("filled", ["sqlite"], indirect=True)
def test_a_batch_is_looked_up_as_quickly_among_many_collections(filled: Path, tmp_path: Path) -> None:
    crowded = Path(shutil.copytree(filled, tmp_path / "crowded"))
    for number in range(9):
        tag(crowded, f"Cam/tag/{number}")
    few, many = (len(statements_of(repo, batch_size=10)) for repo in (filled, crowded))
    assert few == many
