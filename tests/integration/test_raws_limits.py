# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_raws restricted to some exposures, detectors, days, or to the first of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.limits import shard_of
from ansible_collections.rubin.butler.plugins.module_utils._storage import fits_headers
from lsst.daf.butler import Butler

from tests.integration.ansible_play import cycle
from tests.integration.canonical import difference, dump
from tests.integration.decam_files import FLAT, LATER, OBJECT, ZERO
from tests.integration.raw_files import official, official_datasets, write_raws
from tests.integration.raw_states import ingest, raws, refs_in, register

Raw = tuple[int, int]
Rule = Callable[[Raw], bool]

SLOTS = {"R22_S00": 0, "R22_S11": 4, "R22_S22": 8}
FIRST, LAST = 2024110800010, 2024111000005


def all_raws(name: str) -> list[Raw]:
    return [(row["exposure"], row["detector"]) for row in official_datasets(name)["datasets"]]


def day_of(name: str) -> dict[int, int]:
    return {row["id"]: row["day_obs"] for row in official(name)["exposure"]}


EXPOSURES = sorted({number for number, _unused in all_raws("LSSTComCam")})
DAYS = day_of("LSSTComCam")


def in_shard(index: int, count: int) -> Rule:
    return lambda raw: shard_of(raw[0], count) == index


LIMITS: dict[str, tuple[dict[str, Any], Rule]] = {
    "exposure": ({"exposures": [str(FIRST)]}, lambda raw: raw[0] == FIRST),
    "exposures": (
        {"exposures": [str(LAST), f"{EXPOSURES[0]}..{EXPOSURES[2]}"]},
        lambda raw: raw[0] == LAST or raw[0] <= EXPOSURES[2],
    ),
    "detector id": ({"detectors": ["4"]}, lambda raw: raw[1] == 4),
    "detector range": ({"detectors": ["1..8"]}, lambda raw: raw[1] > 0),
    "detector name": ({"detectors": ["R22_S00", "8"]}, lambda raw: raw[1] != 4),
    "day": ({"day_obs": ["20241110"]}, lambda raw: DAYS[raw[0]] == 20241110),
    "days": ({"day_obs": ["20241101..20241109"]}, lambda raw: DAYS[raw[0]] == 20241108),
    "limit": ({"limit": 2}, lambda raw: raw[0] in EXPOSURES[:2]),
    "limit that is more": ({"limit": 100}, lambda _raw: True),
    "shard": ({"shard": {"index": 1, "count": 3}}, in_shard(1, 3)),
    "day and limit": ({"day_obs": ["20241110"], "limit": 1}, lambda raw: raw[0] == LAST),
    "detector and limit": (
        {"detectors": ["R22_S11"], "limit": 3},
        lambda raw: raw[1] == 4 and raw[0] in EXPOSURES[:3],
    ),
    "shard and limit": (
        {"shard": {"index": 0, "count": 2}, "limit": 1},
        lambda raw: raw[0] == min(number for number in EXPOSURES if shard_of(number, 2) == 0),
    ),
    "all at once": (
        {
            "exposures": [f"{FIRST}..{LAST}"],
            "detectors": ["0", "R22_S22"],
            "day_obs": ["20241108"],
            "limit": 4,
            "shard": {"index": 0, "count": 1},
        },
        lambda raw: raw[1] != 4 and raw[0] in EXPOSURES[:4],
    ),
}


@pytest.fixture
def comcam(repo: Path) -> Path:
    """Give a repository with LSSTComCam and its raws beside it."""
    register(repo, "LSSTComCam")
    write_raws(repo.parent / "raw")
    return repo


def held(repo: Path, name: str = "LSSTComCam") -> list[Raw]:
    with Butler.from_config(repo) as butler:
        if not butler.collections.query("*"):
            return []
        refs = refs_in(butler, f"{name}/raw/all")
        return [(int(ref.dataId["exposure"]), int(ref.dataId["detector"])) for ref in refs]


def ingested(repo: Path, **params: Any) -> Outcome:
    """Check, run, check, run."""
    source = repo.parent / "raw"
    promised = ingest(repo, source, check_mode=True, **params)
    outcome = ingest(repo, source, **params)
    assert promised.changes == outcome.changes and promised.stats == outcome.stats
    return outcome


@pytest.mark.parametrize(("params", "wanted"), LIMITS.values(), ids=list(LIMITS))
def test_only_what_is_meant_is_ingested_and_counted(
    params: dict[str, Any], wanted: Rule, comcam: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = list(filter(wanted, all_raws("LSSTComCam")))
    assert expected
    outcome = ingested(comcam, **params)
    assert held(comcam) == expected and outcome.stats["present"] == 0
    [*changes] = [change for change in outcome.changes if change.kind == "raws"]
    assert sum(change.count for change in changes) == len(expected)
    with Butler.from_config(comcam) as butler:
        exposures = {record.id for record in butler.query_dimension_records("exposure")}
    assert exposures == {number for number, _unused in expected}
    source = comcam.parent / "raw"
    with monkeypatch.context() as patch:
        patch.setattr(fits_headers, "_opened", None)
        for check_mode in (True, False):
            again = ingest(comcam, source, check_mode=check_mode, **params)
            assert not again.changed and again.stats["present"] == len(expected)
    ingest(comcam, source)
    assert held(comcam) == all_raws("LSSTComCam")
    assert ingest(comcam, source, **params).stats["present"] == len(expected)


def test_a_limited_trial_leads_to_the_same_repository(comcam: Path) -> None:
    source, other = comcam.parent / "raw", comcam.parent / "other"
    for limit in (1, 3, None):
        ingest(comcam, source, transfer="direct", limit=limit)
    Butler.makeRepo(other)
    register(other, "LSSTComCam")
    ingest(other, source, transfer="direct")
    assert not difference(dump(comcam), dump(other))


def test_through_ansible(comcam: Path) -> None:
    done = cycle(
        "butler_raws",
        {
            "repo": str(comcam),
            "instrument": "LSSTComCam",
            "sources": [str(comcam.parent / "raw")],
            "exposures": [FIRST, f"{EXPOSURES[1]}..{EXPOSURES[3]}"],
            "detectors": [0, "R22_S22"],
            "day_obs": [20241108],
            "limit": 2,
            "shard": {"index": 0, "count": 1},
        },
    )
    done.assert_converges()
    expected = [raw for raw in all_raws("LSSTComCam") if raw[0] in EXPOSURES[:2] and raw[1] != 4]
    assert held(comcam) == expected
    assert done.run_again["stats"]["present"] == len(expected)


IMSIM = day_of("LSSTCam-imSim")
DECAM = day_of("DECam")


@pytest.mark.parametrize(
    ("name", "params", "exposures"),
    [
        ("LSSTCam-imSim", {"day_obs": ["20221005"]}, {204595, 204706}),
        ("LSSTCam-imSim", {"day_obs": ["20220101..20220806"], "limit": 2}, {3010002, 4010003}),
        ("LSSTCam-imSim", {"exposures": ["3010002"], "detectors": ["R11_S00"]}, {3010002}),
        ("DECam", {"day_obs": ["20121211"]}, {ZERO, FLAT}),
        ("DECam", {"day_obs": ["20130101..20131231"], "limit": 1}, {OBJECT}),
        ("DECam", {"exposures": [str(LATER)]}, {LATER}),
        ("DECam", {"exposures": [f"{ZERO}..{OBJECT}"], "limit": 2}, {ZERO, FLAT}),
        ("DECam", {"detectors": ["S7"], "shard": {"index": 0, "count": 2}}, None),
    ],
)
def test_cameras_whose_ids_are_no_dates(
    name: str, params: dict[str, Any], exposures: set[int] | None, repo: Path
) -> None:
    register(repo, name)
    source = repo.parent / "raw"
    write_raws(source, name=name)
    if exposures is None:
        exposures = {number for number in DECAM if shard_of(number, 2) == 0}
        assert 0 < len(exposures) < len(DECAM)
    expected = [raw for raw in all_raws(name) if raw[0] in exposures]
    if params.get("detectors") == ["S7"]:
        expected = [raw for raw in expected if raw[1] == 31]
    elif "detectors" in params:
        expected = [raw for raw in expected if raw[1] == 36]
    outcome = ingested(repo, instrument=name, **params)
    assert held(repo, name) == expected and outcome.changed
    again = ingest(repo, source, instrument=name, **params)
    assert not again.changed and again.stats["present"] == len(expected)


def test_the_days_of_exposures_that_are_there_are_not_read(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(repo, "LSSTCam-imSim")
    source = repo.parent / "raw"
    write_raws(source, name="LSSTCam-imSim")
    ingest(repo, source, instrument="LSSTCam-imSim")
    monkeypatch.setattr(fits_headers, "_opened", None)
    for day in sorted(set(IMSIM.values())):
        again = ingest(repo, source, instrument="LSSTCam-imSim", day_obs=[str(day)])
        wanted = [raw for raw in all_raws("LSSTCam-imSim") if IMSIM[raw[0]] == day]
        assert not again.changed and again.stats["present"] == len(wanted)


def test_files_that_are_not_meant_may_be_broken(comcam: Path) -> None:
    source = comcam.parent / "raw"
    for path in source.rglob("*.fits"):
        if "20241110" not in path.name or "S11" in path.name:
            path.write_bytes(b"")
    outcome = ingest(comcam, source, day_obs=["20241110"], detectors=["R22_S00", "R22_S22"])
    assert outcome.stats["failed"] == 0 and held(comcam) == [(LAST, 0), (LAST, 8)]


def test_a_file_of_which_the_day_can_not_be_told_fails(repo: Path) -> None:
    register(repo, "LSSTCam-imSim")
    source = repo.parent / "raw"
    files = write_raws(source, name="LSSTCam-imSim", wanted=lambda name: "_204595_" in name)
    for path in files:
        path.write_bytes(b"")
    with pytest.raises(ButlerError, match="3 of the files can't be ingested"):
        ingest(repo, source, instrument="LSSTCam-imSim", day_obs=["20221005"])


def test_another_file_tells_the_day_if_the_first_is_broken(repo: Path) -> None:
    register(repo, "LSSTCam-imSim")
    source = repo.parent / "raw"
    files = write_raws(source, name="LSSTCam-imSim", wanted=lambda name: "_204" in name)
    for path in (files[0], files[1], files[3]):
        path.write_bytes(b"")
    skip = {"instrument": "LSSTCam-imSim", "on_error": "skip"}
    other = ingest(repo, source, day_obs=["20220101"], **skip)
    assert not other.changed and other.failures == []
    outcome = ingest(repo, source, day_obs=["20221005"], **skip)
    assert outcome.stats["failed"] == 3
    assert held(repo, "LSSTCam-imSim") == [(204595, 188), (204706, 94), (204706, 188)]


def test_nothing_that_is_meant_is_no_error(comcam: Path) -> None:
    outcome = ingest(comcam, comcam.parent / "raw", day_obs=["20250101"])
    assert not outcome.changed and outcome.stats["present"] == 0
    assert held(comcam) == []


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"exposures": []}, "exposures: it is empty"),
        ({"exposures": ["last"]}, "exposures[0]: got 'last', expected whole numbers, and ranges such as"),
        (
            {"exposures": ["1", "5..2"]},
            "exposures[1]: got '5..2', expected a range that ends where it begins",
        ),
        ({"exposures": ["99999999999999"]}, "exposures[0]: got '99999999999999', expected ids up to"),
        ({"detectors": ["0", "R99_S00"]}, "detectors[1]: got 'R99_S00', expected whole numbers, and ranges"),
        ({"detectors": ["200"]}, "detectors[0]: got '200', expected detectors of LSSTComCam: 0"),
        ({"day_obs": ["20241332"]}, "day_obs[0]: got '20241332', expected a date such as 20241108"),
        ({"day_obs": ["2024-11-08"]}, "day_obs[0]: got '2024-11-08', expected whole numbers, and ranges"),
        ({"limit": 0}, "limit: got 0, expected 1 or more"),
        ({"shard": {"index": 2, "count": 2}}, "shard.index: got 2, expected 0 to 1: the first of 2 shards"),
        ({"shard": {"index": 0, "count": 0}}, "shard.count: got 0, expected 1 or more"),
        ({"processes": 0}, "processes: got 0, expected 1 or more"),
        ({"verify": "md5"}, "verify: got 'md5' without select"),
    ],
)
def test_what_limits_can_not_be(params: dict[str, Any], said: str) -> None:
    with pytest.raises(ButlerError) as caught:
        raws("/nowhere", **params)
    assert str(caught.value).startswith(said)
