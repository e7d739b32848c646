# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_certify through Ansible, and its state on real repositories."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import (
    ButlerError,
    StoppedError,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from lsst.daf.butler import Butler, CollectionType
from lsst.daf.butler.script.certifyCalibrations import certifyCalibrations

from tests.integration.ansible_play import cycle
from tests.integration.calibrations import (
    CALIB,
    CERTIFICATION,
    CHAIN,
    DATASETS,
    NEW,
    OLD,
    converged,
    fill,
    put,
    state_of,
    valid,
)
from tests.integration.canonical import difference, dump
from tests.integration.converging import converge_here
from tests.integration.documented import run_examples
from tests.integration.interruptions import at_boundary
from tests.integration.killing import Attempt, every, prove_killed_runs_are_finished

RANGE = {"begin": "2000-01-01T00:00:00", "end": "2050-01-01T00:00:00"}
SHOWN = "2000-01-01 to 2050-01-01"


@pytest.fixture
def biases(repo: Path) -> Path:
    """Give a repository with biases of 4 detectors, 2 of them made again."""
    fill(repo, {NEW: [1, 2], OLD: [1, 2, 3, 4]})
    return repo


def test_what_the_official_tool_certifies_is_certified_once(biases: Path) -> None:
    declared = {
        "collection": CALIB,
        "datasets": [{"dataset_type": "bias", "collections": [OLD]}],
        **RANGE,
    }
    done = cycle("butler_certify", {"repo": str(biases), "certifications": [declared]})
    done.assert_converges()
    assert done.run["stats"]["added"] == 5 and done.run_again["stats"]["present"] == 4
    assert done.run["diff"]["after"].splitlines() == [
        f"certifications bias in {CALIB} ({SHOWN}): {{datasets: 4}}",
        f"collection {CALIB}: {{type: CALIBRATION}}",
    ]
    [certified, _unused] = done.run["changes"]
    assert certified["examples"][0] == "bias@{instrument: 'DECam', detector: 1}"
    ours = dump(biases)
    with Butler.from_config(biases, writeable=True) as butler:
        butler.registry.removeCollection(CALIB)
    certifyCalibrations(str(biases), OLD, CALIB, "bias", RANGE["begin"], RANGE["end"], False)
    assert difference(ours, dump(biases)) == []


def test_a_chain_is_searched_in_its_order_and_prune_leaves_only_what_is_declared(biases: Path) -> None:
    with Butler.from_config(biases, writeable=True) as butler:
        butler.collections.register("other", CollectionType.CALIBRATION)
        put(butler, "bias", "elsewhere", [1])
        butler.registry.certify("other", butler.query_datasets("bias", "elsewhere"), timespan=_always())
        butler.collections.redefine_chain(CHAIN, ["other", NEW, OLD])
    converged(biases, {"collections": [OLD], "end": "2000-01-01"}, {"collections": [NEW], **RANGE})
    pruned = {"collections": [CHAIN], "prune": True, "begin": "1990-01-01"}
    outcome = converged(biases, pruned)
    assert [(change.action, change.name, change.before, change.after) for change in outcome.changes] == [
        (
            "add",
            f"bias in {CALIB} (from 1990-01-01)",
            None,
            {"datasets": 2, "only": ["from 2000-01-01"]},
        ),
        (
            "replace",
            f"bias replaced in {CALIB} (from 1990-01-01)",
            {"datasets": 2, "runs": [OLD]},
            {"datasets": 2, "runs": [NEW]},
        ),
        (
            "remove",
            f"bias that nothing declares in {CALIB}",
            {"certifications": 4, "runs": [OLD], "ranges": ["until 1990-01-01"]},
            None,
        ),
    ]
    assert outcome.stats["added"] == outcome.stats["replaced"] == 2 and outcome.stats["removed"] == 4
    assert valid(biases) == {
        1: [("from 1990-01-01", NEW)],
        2: [("from 1990-01-01", NEW)],
        3: [("from 1990-01-01", OLD)],
        4: [("from 1990-01-01", OLD)],
    }
    assert not converged(biases, pruned).changed
    with pytest.raises(ButlerError, match="other is a CALIBRATION collection, which may have several"):
        converged(biases, {"collections": ["other"]})


def _always() -> Any:
    from lsst.daf.butler import Timespan

    return Timespan(None, None)


def test_nothing_is_pruned_while_something_is_missing(biases: Path) -> None:
    converged(biases, {"collections": [OLD]})
    for missing, skipped in (
        ({"collections": ["none"]}, 1),
        ({"data_ids": [{"detector": 1}, {"detector": 3}]}, 1),
    ):
        outcome = converged(biases, {"prune": True, **missing}, on_missing="skip")
        assert outcome.stats["skipped"] == skipped and outcome.stats["removed"] == 0
        assert (
            f"{CALIB}: nothing was pruned, because some of what was declared is not there" in outcome.notices
        )
    assert valid(biases) == {1: [("always", NEW)], **{number: [("always", OLD)] for number in (2, 3, 4)}}
    assert converged(biases, {"prune": True}).stats["removed"] == 2


def test_another_dataset_is_a_conflict_with_a_timeline_kept_or_replaced(biases: Path) -> None:
    converged(biases, {"collections": [OLD], "begin": "2019-04-02", "end": "2019-05-01"})
    asked = {"collections": [NEW], "begin": "2019-04-20", "end": "2019-06-01"}
    before = dump(biases)
    with pytest.raises(ButlerError) as caught:
        converged(biases, asked)
    [detail] = caught.value.details
    assert re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", detail).splitlines() == [
        f"certifications bias in {CALIB} (2019-04-20 to 2019-06-01): other datasets of 2 data IDs are valid "
        "at a time that is asked for; the first is bias@{instrument: 'DECam', detector: 1}:",
        f"      valid  2019-04-02 to 2019-05-01  ID of {OLD}",
        f"      asked  2019-04-20 to 2019-06-01  ID of {NEW}",
    ]
    assert "on_conflict=replace" in str(caught.value)
    assert difference(before, dump(biases)) == []

    kept = converged(biases, asked, on_conflict="keep")
    assert kept.notices == [
        f"bias in {CALIB} (2019-04-20 to 2019-06-01): kept what is valid of 2 data IDs and is not what was "
        "asked for"
    ]
    assert [change.after for change in kept.changes] == [
        {"datasets": 2, "only": ["2019-05-01 to 2019-06-01"]}
    ]
    old = ("2019-04-02 to 2019-05-01", OLD)
    assert valid(biases)[1] == [old, ("2019-05-01 to 2019-06-01", NEW)]
    assert not converged(biases, asked, on_conflict="keep").changed

    replaced = converged(biases, asked, on_conflict="replace")
    assert replaced.stats["replaced"] == 2 and len(replaced.changes) == 1
    for detector in (1, 2):
        assert valid(biases)[detector] == [
            ("2019-04-02 to 2019-04-20", OLD),
            ("2019-04-20 to 2019-06-01", NEW),
        ]
    assert valid(biases)[3] == [old]
    assert not converged(biases, asked, on_conflict="replace").changed


def test_absent_ends_just_the_range_of_just_the_datasets(biases: Path) -> None:
    converged(biases, {"collections": [CHAIN], **RANGE})
    hole = {"begin": "2019-04-02", "end": "2019-04-03", "state": "absent"}
    only_new = {**hole, "collections": [NEW, OLD], "where": "instrument='DECam' AND detector < 4"}
    outcome = converged(biases, only_new)
    assert [(change.action, change.name, change.before) for change in outcome.changes] == [
        (
            "remove",
            f"bias no longer in {CALIB} (2019-04-02 to 2019-04-03)",
            {"certifications": 3, "runs": [OLD, NEW]},
        )
    ]
    left = [("2000-01-01 to 2019-04-02", NEW), ("2019-04-03 to 2050-01-01", NEW)]
    assert valid(biases)[1] == valid(biases)[2] == left
    assert valid(biases)[4] == [(SHOWN, OLD)]
    assert not converged(biases, only_new).changed
    # A dataset that is not the one that is valid does not end what is.
    assert not converged(biases, {**hole, "begin": None, "collections": ["none"]}).changed
    with Butler.from_config(biases, writeable=True) as butler:
        put(butler, "bias", "unrelated", [1, 2, 3, 4])
    assert not converged(biases, {"collections": ["unrelated"], "state": "absent"}).changed
    # Whatever there is, of some data IDs.
    some_of = {"collections": None, "state": "absent", "data_ids": [{"detector": "1"}]}
    assert converged(biases, some_of).stats["removed"] == 2
    where = {"collections": None, "state": "absent", "where": "detector = number", "bind": {"number": 2}}
    where["where"] = f"instrument = 'DECam' AND {where['where']}"
    assert converged(biases, where, check_mode=True).stats["removed"] == 2
    converged(biases, where)
    assert list(valid(biases)) == [3, 4]
    everything = {"collections": None, "dataset_type": ["b*"], "state": "absent"}
    assert converged(biases, everything).stats["removed"] == 3
    assert valid(biases) == {} and not converged(biases, everything).changed


def test_one_dataset_may_make_room_for_another_in_one_task(biases: Path) -> None:
    converged(biases, {"collections": [OLD], **RANGE})
    declared = (
        {"collections": [OLD], "begin": "2019-01-01", "data_ids": [{"detector": 1}], "state": "absent"},
    )
    declared += ({"collections": [NEW], "begin": "2019-01-01", "data_ids": [{"detector": 1}]},)
    outcome = converged(biases, *declared)
    assert (outcome.stats["removed"], outcome.stats["added"]) == (1, 1)
    assert valid(biases)[1] == [("2000-01-01 to 2019-01-01", OLD), ("from 2019-01-01", NEW)]
    assert not converged(biases, *declared).changed


def test_declarations_of_one_task_that_can_not_all_hold(biases: Path) -> None:
    new, old = {"collections": [NEW], "end": "2000-01-02"}, {"collections": [OLD], "begin": "2000-01-01"}
    for on_conflict in ("fail", "keep", "replace"):
        with pytest.raises(ButlerError) as caught:
            converged(biases, new, old, on_conflict=on_conflict)
        assert caught.value.details == (
            f"certifications bias in {CALIB}: certifications[0].datasets[0] (present until 2000-01-02) and "
            "certifications[1].datasets[0] (present from 2000-01-01) overlap, and declare different things "
            "of 2 data IDs; the first is bias@{instrument: 'DECam', detector: 1}",
        )
    with pytest.raises(ButlerError, match=r"\(present until 2000-01-02\) and .* \(absent always\) overlap"):
        converged(biases, new, {"collections": [NEW], "state": "absent"})
    # The same dataset twice is no contradiction.
    assert converged(biases, new, {**new, "end": "2000-01-01"}).stats["added"] == 1 + 2
    assert converged(biases, new, {**new, "end": "2000-01-01"}).stats["present"] == 4


def test_what_is_missing_is_all_named_and_nothing_is_written(biases: Path) -> None:
    before = dump(biases)
    missing = {"dataset_type": ["bias", "dark", "zz*"], "collections": [NEW, "none", "no/*"]}
    with pytest.raises(ButlerError) as caught:
        converged(biases, missing, {"data_ids": [{"detector": 1}, {"detector": 4, "instrument": "DECam"}]})
    option = "certifications[0].datasets[0]"
    assert caught.value.details == (
        f"{option}.collections: collection matching no/* does not exist",
        f"{option}.collections: collection none does not exist",
        f"{option}.dataset_type: dataset type dark does not exist",
        f"{option}.dataset_type: dataset type matching zz* does not exist",
        "certifications[1].datasets[0].data_ids: dataset of data ID bias@{'detector': 4, 'instrument': "
        "'DECam'} (1 of 2) does not exist",
    )
    with pytest.raises(ButlerError, match=f"collection {OLD}: it is a RUN collection, and CALIBRATION was"):
        converged(biases, {"collection": OLD})
    with pytest.raises(ButlerError, match="2 data IDs have several datasets, and one is valid"):
        converged(biases, {"collections": ["DEEP/*"]})
    with pytest.raises(
        ButlerError, match=r"data_ids\[0\]: dataset type bias has the dimensions instrument, det"
    ):
        converged(biases, {"data_ids": [{"band": "g"}]})
    with pytest.raises(ButlerError, match=r"datasets\[0\]\.where: the datasets can't be selected with"):
        converged(biases, {"where": "nonsense = 3"})
    with Butler.from_config(biases, writeable=True) as butler:
        put(butler, "log", NEW, [1])
    with pytest.raises(ButlerError, match="dataset type log: its datasets can't be certified: it was regis"):
        converged(biases, {"dataset_type": ["log"]})
    with Butler.from_config(biases, writeable=True) as butler:
        butler.pruneDatasets(butler.query_datasets("log", NEW), purge=True, unstore=True, disassociate=True)
        assert CALIB not in butler.collections.query("*")
    assert [line for line in difference(before, dump(biases)) if "log" not in line] == []
    ids = [{"detector": 1}, {"detector": 3}, {"detector": 9}]
    skipped = converged(biases, missing, {"data_ids": ids, "collections": [NEW]}, on_missing="skip")
    assert skipped.stats["skipped"] == 4 + 2 and skipped.stats["added"] == 1 + 2
    assert skipped.notices[-1] == (
        "certifications[1].datasets[0]: left out 2 of 3 data IDs that have no dataset: "
        "bias@{'detector': 3}, bias@{'detector': 9}"
    )
    both = converged(biases, {**missing, "data_ids": ids}, on_missing="skip")
    assert both.stats["skipped"] == 4 + 2
    assert both.notices[-1] == skipped.notices[-1].replace("[1]", "[0]", 1)
    assert both.notices[:-1] == skipped.notices[:4]


@pytest.mark.parametrize("on_missing", ["fail", "skip"])
def test_an_empty_target_is_checked_as_the_run_does_it(biases: Path, tmp_path: Path, on_missing: str) -> None:
    declared: list[dict[str, Any]] = [
        {"collections": [CHAIN], **RANGE, "prune": True},
        {"collection": "second", "dataset_type": ["bi*"], "collections": [f"{OLD}*"]},
        {"collection": "third", "collections": None, "state": "absent"},
    ]
    check = converged(tmp_path / "none", *declared, check_mode=True, on_missing=on_missing)
    run = converged(biases, *declared, on_missing=on_missing)
    assert [change.key for change in check.changes] == [change.key for change in run.changes]
    assert [change.name for change in check.changes if change.unresolved] == [
        "bi* in second (always)",
        f"bias in {CALIB} ({SHOWN})",
    ]
    assert len(check.assumes) == (4 if on_missing == "fail" else 0)
    # The datasets of another night are not there yet: nothing is pruned meanwhile.
    later = [{"collections": ["later"], "prune": True}]
    planned = converged(biases, *later, check_mode=True)
    assert [change.action for change in planned.changes] == ["add"] and planned.changes[0].unresolved


def test_a_run_stopped_between_transactions_is_finished_by_the_next(biases: Path) -> None:
    declared = [{"collections": [NEW], "end": "2000-01-01"}, {"collections": [OLD], "begin": "2000-01-01"}]
    calls = iter(range(3))

    def checkpoint() -> None:
        if next(calls, None) is None:
            raise StoppedError("stopped")

    state = replace(state_of(*declared), batch_size=2)
    with pytest.raises(StoppedError):
        converge_here(state, biases, report=Report(checkpoint=checkpoint))
    assert len(valid(biases)) == 2
    assert converged(biases, *declared).changed and len(valid(biases)) == 4
    assert not converged(biases, *declared).changed


def test_what_another_writer_certifies_meanwhile(biases: Path) -> None:
    converged(biases, {"collections": [OLD], "end": "2000-01-01"})
    declared = {"collections": [NEW], "begin": "2000-01-01"}
    state = state_of(declared, on_conflict="replace")
    # The same: whoever comes second finds it done.
    report = at_boundary(1, lambda: converged(biases, declared))
    outcome = converge_here(state, biases, report=report)
    assert outcome.changed and outcome.stats["added"] == 0
    assert valid(biases)[1] == [("until 2000-01-01", OLD), ("from 2000-01-01", NEW)]
    # Something else, which the plan knew nothing of.
    state = state_of({**declared, "begin": "1999-01-01"}, on_conflict="replace")
    other = {"collections": None, "begin": "1999-06-01", "data_ids": [{"detector": 2}], "state": "absent"}
    with pytest.raises(ButlerError, match=f"another writer has changed meanwhile which .* in {CALIB}"):
        converge_here(state, biases, report=at_boundary(1, lambda: converged(biases, other)))
    assert valid(biases)[1] == [("until 2000-01-01", OLD), ("from 2000-01-01", NEW)]
    assert valid(biases)[2] == [("until 1999-06-01", OLD)]
    assert converge_here(state, biases).changed
    assert valid(biases)[2] == [("until 1999-01-01", OLD), ("from 1999-01-01", NEW)]


def test_a_killed_run_is_finished_by_the_next(biases: Path) -> None:
    converged(biases, {"collections": [OLD], **RANGE})
    items = [
        {**CERTIFICATION, "begin": "2019-04-02", "end": "2019-04-03"},
        {**CERTIFICATION, "begin": "2049-01-01", "collection": "second"},
        {
            **CERTIFICATION,
            "begin": "2020-01-01",
            "datasets": [{**DATASETS, "collections": None, "data_ids": [{"detector": 4}]}],
            "state": "absent",
        },
    ]
    params = {"certifications": items, "on_missing": "fail", "on_conflict": "replace"}
    kills = prove_killed_runs_are_finished(
        biases.parent,
        lambda folder: Attempt(
            "_states.certify.state:CertifyState", params, folder / biases.name, {"batch_size": 1}
        ),
        steps=every("checkpoint", "statement", "commit"),
        moments=0,
        seed=1,
    )
    assert kills == 4


def test_examples(biases: Path) -> None:
    with Butler.from_config(biases, writeable=True) as butler:
        put(butler, "flat", "DEEP/20190402/flat", [1, 2], physical_filter="VR")
        put(butler, "flat", "DEEP/20190402/flat", [1, 2], physical_filter="g")
        for name in ("defects", "suspectMask"):
            put(butler, name, "DECam/calib/defects/20241111", [1, 2, 3])
    results = run_examples("butler_certify", {"/data/butler/deep": str(biases)})
    assert [result["stats"]["added"] for result in results] == [5, 7, 3, 0]
    assert results[-1]["stats"]["removed"] == 4
    hour = "2019-04-03T04:00:00", "2019-04-03T05:00:00"
    assert valid(biases)[1] == [(f"2000-01-01 to {hour[0]}", NEW), (f"{hour[1]} to 2050-01-01", NEW)]
