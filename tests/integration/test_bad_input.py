# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator reads who got something wrong, module by module, and that nothing was written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import converge
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.instruments import InstrumentsState
from lsst.daf.butler import Butler, CollectionType

from tests.integration.ansible_play import COLLECTION, TaskResult, play
from tests.integration.canonical import difference, dump
from tests.integration.raw_files import write_raws

EXPORT = """\
description: Butler Data Repository Export
version: 1.0.2
universe_version: {version}
universe_namespace: {namespace}
data: []
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bad")


def tasks(place: Path) -> dict[str, tuple[str, dict[str, Any], list[str]]]:
    """Give for each mistake the module, its arguments, and what the message has to say."""
    repo, raws = str(place / "repo"), str(place / "raws")
    other, broken = str(place / "other"), str(place / "broken")
    (place / "list.yaml").write_text("- just\n- a list\n")
    (place / "newer.yaml").write_text(EXPORT.format(version=99, namespace="daf_butler"))
    (place / "foreign.yaml").write_text(EXPORT.format(version=7, namespace="ska"))
    (place / "file").write_text("no repository")

    def imported(name: str) -> dict[str, Any]:
        return {"repo": repo, "imports": [{"file": f"{place}/{name}"}]}

    def raw(source: str, **more: Any) -> dict[str, Any]:
        return {"repo": repo, "instrument": "LSSTComCam", "sources": [source], **more}

    chains = [{"name": "a", "children": ["b"]}, {"name": "b", "children": ["a"]}]
    certified = {"collection": "runs", "datasets": [{"dataset_type": "bias", "collections": ["none"]}]}
    exported = {"file": f"{place}/file", "dataset_type": ["raw"], "collections": ["none"]}
    tagged = [{"name": "tag", "dataset_type": "raw", "collections": ["runs"], "where": "instrument = 'X'"}]
    return {
        "missing file": ("butler_import", imported("none.yaml"), ["imports[0].file", "none.yaml"]),
        "no export": ("butler_import", imported("list.yaml"), ["imports[0].file", "list.yaml"]),
        "export that no importer finds": (
            "butler_export",
            {"repo": repo, "exports": [exported]},
            ["exports[0].file", f"{place}/file", ".yaml"],
        ),
        "newer universe": ("butler_import", imported("newer.yaml"), ["99", "newer.yaml"]),
        "foreign universe": ("butler_import", imported("foreign.yaml"), ["ska", "foreign.yaml"]),
        "unknown instrument": (
            "butler_instrument",
            {"repo": repo, "instruments": ["lsst.obs.nope.X"]},
            ["instruments[0]", "lsst.obs.nope.X", "definitions", "LSSTComCam"],
        ),
        "unknown dataset type": (
            "butler_tagged",
            {"repo": repo, "collections": tagged},
            ["dataset type raw does not exist"],
        ),
        "not a time": (
            "butler_certify",
            {"repo": repo, "certifications": [{**certified, "begin": "2019-04-02T00:00:00Z"}]},
            ["certifications[0].begin", "2019-04-02T00:00:00Z", "2000-01-01T12:30:00", "TAI"],
        ),
        "certified in a chain": (
            "butler_certify",
            {"repo": repo, "certifications": [certified]},
            ["runs", "CHAINED", "CALIBRATION"],
        ),
        "run that is a chain": ("butler_raws", raw(raws, run="runs"), ["runs", "CHAINED"]),
        "cycle": (
            "butler_chain",
            {"repo": repo, "chains": chains},
            ["chain a: it would contain itself: a -> b -> a"],
        ),
        "missing directory": ("butler_raws", raw(f"{place}/none"), ["sources[0]", f"{place}/none"]),
        "truncated": ("butler_raws", raw(broken), ["CC_O_20241108_000010_R22_S00.fits", "truncated"]),
        "another instrument": ("butler_raws", raw(other), ["LSSTCam", "LSSTComCam"]),
        "impossible transfer": (
            "butler_import",
            {"repo": repo, "imports": [{"file": f"{place}/newer.yaml", "directory": "https://example.org/x"}],
             "transfer": "symlink"},
            ["transfer", "symlink", "direct"],
        ),
        "repository that is a file": (
            "butler_collection",
            {"repo": f"{place}/file", "collections": [{"name": "x"}]},
            [f"{place}/file", "butler.yaml"],
        ),
        "no repository": (
            "butler_collection",
            {"repo": f"{place}/none", "collections": [{"name": "x"}]},
            ["no Butler repository", "butler_repo"],
        ),
        "secret": (
            "butler_collection",
            {"repo": "https://me:h1dden@example.org/repo", "collections": [{"name": "x"}]},
            ["repo", "example.org", "db-auth.yaml"],
        ),
        "place that can't be written": ("butler_repo", {"repo": "/proc/butler"}, ["/proc/butler"]),
    }  # fmt: skip


@pytest.fixture(scope="module")
def answers(place: Path) -> dict[str, TaskResult]:
    """Make all the mistakes in one play."""
    repo = place / "repo"
    Butler.makeRepo(repo)
    opened = open_repository(str(repo), writeable=True)
    state = InstrumentsState.from_params(
        {"instruments": ["LSSTComCam"], "definitions": {}, "on_conflict": "fail"}
    )
    converge(state, opened, check_mode=False, report=Report())
    opened.butler.collections.register("runs", CollectionType.CHAINED)
    opened.butler.close()
    write_raws(place / "raws")
    write_raws(place / "other", name="LSSTCam")
    (whole,) = (place / "raws").rglob("CC_O_20241108_000010_R22_S00.fits")
    (place / "broken").mkdir()
    (place / "broken" / whole.name).write_bytes(whole.read_bytes()[:4000])
    before = dump(repo)
    wanted = tasks(place)
    results = play([{f"{COLLECTION}.{module}": arguments} for module, arguments, _said in wanted.values()])
    assert difference(before, dump(repo)) == []
    shutil.rmtree(place / "raws")
    return dict(zip(wanted, results, strict=True))


@pytest.mark.parametrize(
    "mistake",
    [
        "missing file",
        "no export",
        "export that no importer finds",
        "newer universe",
        "foreign universe",
        "unknown instrument",
        "unknown dataset type",
        "not a time",
        "certified in a chain",
        "run that is a chain",
        "cycle",
        "missing directory",
        "truncated",
        "another instrument",
        "impossible transfer",
        "repository that is a file",
        "no repository",
        "secret",
        "place that can't be written",
    ],
)
def test_a_mistake_is_named_and_nothing_is_written(
    mistake: str, answers: dict[str, TaskResult], place: Path
) -> None:
    result = answers[mistake]
    assert result.failed
    for said in tasks(place)[mistake][2]:
        assert said in result.message, result.message
    assert "Traceback" not in result.message and "unexpected" not in result.message
    assert "h1dden" not in json.dumps(result.result)
