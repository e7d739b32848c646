# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_defects stores what bad-pixel masks have, once, and tells what differs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.defects.state import DefectsState
from ansible_collections.rubin.butler.plugins.module_utils._states.defects.tables import from_fits, to_fits
from lsst.daf.butler import Butler, CollectionType, Config, DatasetType, Timespan

from tests.integration.converging import converge_here
from tests.integration.documented import run_examples
from tests.integration.killing import Attempt, prove_killed_runs_are_finished, some
from tests.integration.masks import (
    BAD_RUN,
    SUSPECT,
    SUSPECT_RUN,
    add_camera,
    completed,
    declared,
    des_name,
    mask_of,
    write_mask,
    write_masks,
)
from tests.integration.modules_here import cycle_here, module_here
from tests.integration.postgres import READER, Database

BAD = {
    1: [[7, 0, 1, 24]],
    2: [[0, 0, 1, 1], [9, 10, 6, 10], [15, 23, 1, 1]],
    3: [[2, 2, 2, 2]],
    4: [[7, 0, 1, 24]],
}
SUSPECTS = {1: [[3, 3, 1, 1]], 2: [[1, 0, 15, 1]], 3: [], 4: []}


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """Give a folder with masks."""
    write_masks(tmp_path / "bpm")
    return tmp_path / "bpm"


@pytest.fixture
def camera(repo: Path) -> Path:
    """Give a repository with DECam."""
    with Butler.from_config(repo, writeable=True) as butler:
        add_camera(butler)
    return repo


def converge(repo: Path, options: dict[str, Any], *, check_mode: bool = False, **more: Any) -> Outcome:
    """Do what the module does."""
    return converge_here(DefectsState.from_params(completed(options, **more)), repo, check_mode=check_mode)


def refusal(repo: Path, options: dict[str, Any], **more: Any) -> str:
    """Declare what is refused, and give the reason."""
    with pytest.raises(ButlerError) as caught:
        converge(repo, options, **more)
    return str(caught.value)


def stored(repo: Path, name: str, run: str) -> dict[int, list[list[int]]]:
    """Give the rectangles that are stored, by detector."""
    with Butler.from_config(repo) as butler:
        refs = butler.query_datasets(name, run, limit=None, explain=False)
        found = {
            int(ref.dataId["detector"]): from_fits(butler.getURI(ref).read())[0].tolist() for ref in refs
        }
    return dict(sorted(found.items()))


def test_defects_are_stored_once(camera: Path, masks: Path) -> None:
    done = cycle_here("butler_defects", {"repo": str(camera), **declared(masks)})
    done.assert_converges()
    # Two dataset types, two runs and four detectors of each.
    assert done.run["stats"]["added"] == 12 and done.run_again["stats"]["present"] == 12
    assert done.check["diff"]["after"].splitlines() == [
        f"collection {BAD_RUN}: {{type: RUN}}",
        f"collection {SUSPECT_RUN}: {{type: RUN}}",
        "dataset type defects: {dimensions: [instrument, detector], is_calibration: true, "
        "storage_class: Defects}",
        "dataset type suspectMask: {dimensions: [instrument, detector], is_calibration: true, "
        "storage_class: Defects}",
        f"datasets defects in {BAD_RUN}: {{datasets: 4, pixels: 114, rectangles: 6}}",
        f"datasets suspectMask in {SUSPECT_RUN}: {{datasets: 4, pixels: 16, rectangles: 2}}",
    ]
    assert stored(camera, "defects", BAD_RUN) == BAD
    assert stored(camera, "suspectMask", SUSPECT_RUN) == SUSPECTS
    with Butler.from_config(camera) as butler:
        [ref] = butler.query_datasets(
            "suspectMask", SUSPECT_RUN, where="detector = 2 AND instrument = 'DECam'"
        )
        assert ref.id.version == 5 and ref.datasetType.isCalibration()
        _unused, header = from_fits(butler.getURI(ref).read())
    assert [header[key] for key in ("OBSTYPE", "INSTRUME", "DETECTOR", "DEFECTTYPE")] == [
        "defects",
        "DECam",
        2,
        "SUSPECTPIXEL",
    ]


def test_one_corrected_mask_is_one_change_and_certifications_stay(camera: Path, masks: Path) -> None:
    assert converge(camera, declared(masks)).changed
    with Butler.from_config(camera, writeable=True) as butler:
        butler.collections.register("DEEP/calib", CollectionType.CALIBRATION)
        refs = butler.query_datasets("defects", BAD_RUN)
        butler.registry.certify("DEEP/calib", refs, Timespan(None, None))
    write_mask(masks / "des" / des_name(1), mask_of((0, 0, 1), (3, 3, SUSPECT)), 1)
    told = refusal(camera, declared(masks))
    assert (
        f"dataset detector 1 of defects in {BAD_RUN}: 1 rectangles, 24 pixels stored, 1 rectangles, 1 pixels "
        "declared" in told
    )
    assert "detector 2" not in told and "Nothing was written" in told
    kept = converge(camera, declared(masks), on_conflict="keep")
    assert not kept.changed and "detector 1" in kept.notices[0]
    promised, done = (
        converge(camera, declared(masks), on_conflict="replace", check_mode=check) for check in (True, False)
    )
    [change] = done.changes
    assert change.before == {"rectangles": 1, "pixels": 24} and change.after == {"rectangles": 1, "pixels": 1}
    assert promised.changes == done.changes and promised.stats == done.stats
    assert stored(camera, "defects", BAD_RUN)[1] == [[0, 0, 1, 1]]
    with Butler.from_config(camera) as butler:
        found = butler.query_datasets("defects", "DEEP/calib", find_first=False)
        assert {ref.id for ref in found} == {ref.id for ref in refs}
    assert not converge(camera, declared(masks)).changed


def test_the_same_pixels_in_other_boxes_are_the_same_and_lost_files_are_stored_again(
    camera: Path, masks: Path
) -> None:
    assert converge(camera, declared(masks)).changed
    with Butler.from_config(camera, writeable=True) as butler:
        [two] = butler.query_datasets("defects", BAD_RUN, where="instrument='DECam' AND detector=2")
        [three] = butler.query_datasets("defects", BAD_RUN, where="instrument='DECam' AND detector=3")
        uri = butler.getURI(two)
        rectangles, header = from_fits(uri.read())
        single = numpy.array(
            [
                [x, y, 1, 1]
                for x0, y0, w, h in rectangles.tolist()
                for x in range(x0, x0 + w)
                for y in range(y0, y0 + h)
            ]
        )
        uri.write(to_fits(single, {key: header[key] for key in ("OBSTYPE", "INSTRUME", "DETECTOR")}))
        butler.pruneDatasets([three], disassociate=False, unstore=True, purge=False)
    done = converge(camera, declared(masks))
    assert [(change.kind, change.count) for change in done.changes] == [("artifacts", 1)]
    assert stored(camera, "defects", BAD_RUN)[3] == BAD[3]
    uri.write(b"nothing of the kind")
    assert "detector 2" in refusal(camera, declared(masks))
    assert converge(camera, declared(masks), on_conflict="replace").changed
    assert stored(camera, "defects", BAD_RUN) == BAD


def test_headers_tell_detectors_and_bits_choose_pixels(camera: Path, masks: Path) -> None:
    options = declared(masks)
    options["sources"] = [{"name": "des", "directory": str(masks / "des"), "pattern": ".*"}]
    options["dataset_types"] = [
        {"name": "defects", "run": BAD_RUN, "pixels": [{"source": "des", "bits": [1, SUSPECT]}]}
    ]
    done = converge(camera, options, detectors=[1, 2, 9], on_missing="skip")
    assert stored(camera, "defects", BAD_RUN) == {1: [[3, 3, 1, 1]], 2: [[0, 0, 16, 1]]}
    assert done.stats["skipped"] == 1 and done.notices == ["left out 1 detectors that have no mask: 9"]


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        ("detectors", ["detectors: a mask of detectors 9 does not exist"]),
        ("instrument", ["instrument: instrument HSC does not exist"]),
        ("header", ["is named as detector 1, and CCDNUM in its header is 2"]),
        ("twice", ["sources[0]", "detector 1 has"]),
        ("size", ["the masks of detector 2 are of different sizes", "8 x 8"]),
        ("float", [des_name(1), "its image is of float"]),
        ("broken", [des_name(1), "can't be read as FITS"]),
        ("nowhere", ["sources[0].directory", "can't be listed"]),
        ("no file", ["sources[1].pattern", "no file in"]),
        ("type", ["dataset type defects: it is registered as", "Choose other names"]),
        ("run", [f"collection {BAD_RUN}: it is a TAGGED collection"]),
        ("source", ["dataset_types[0].pixels[0].source: there is no source 'eds'; those are cp, des"]),
        ("conditions", ["dataset_types[0].pixels[0]: give one of values and bits"]),
        ("keyword", ["dataset_types[0].metadata: DETECTOR is written by this module"]),
    ],
)
def test_mistakes_are_answered_before_anything_is_written(
    camera: Path, masks: Path, mistake: str, told: list[str]
) -> None:
    options, more = declared(masks), {}
    first = masks / "des" / des_name(1)
    bad = options["dataset_types"][0]
    if mistake == "detectors":
        more["detectors"] = [1, 9]
    elif mistake == "instrument":
        more["instrument"] = "HSC"
    elif mistake == "header":
        write_mask(first, mask_of(), 2)
    elif mistake == "twice":
        write_mask(masks / "des" / "again" / des_name(1), mask_of(), 1)
        options["sources"][0]["pattern"] = ".*c(?P<detector>\\d+).*"
    elif mistake == "size":
        write_mask(masks / "des" / des_name(2), mask_of(shape=(8, 8)))
    elif mistake == "float":
        write_mask(first, mask_of().astype(float))
    elif mistake == "broken":
        first.write_bytes(b"SIMPLE  =")
    elif mistake == "nowhere":
        options["sources"][0]["directory"] = str(masks / "nowhere")
    elif mistake == "no file":
        options["sources"][1]["pattern"] = "nothing"
    elif mistake == "source":
        bad["pixels"][0]["source"] = "eds"
    elif mistake == "conditions":
        bad["pixels"] = [{"source": "des", "values": [1], "bits": [2]}]
    elif mistake == "keyword":
        bad["metadata"] = {"DETECTOR": 3}
    with Butler.from_config(camera, writeable=True) as butler:
        if mistake == "type":
            kind = DatasetType("defects", ["instrument", "detector"], "Defects", universe=butler.dimensions)
            butler.registry.registerDatasetType(kind)
        elif mistake == "run":
            butler.collections.register(BAD_RUN, CollectionType.TAGGED)
    message = refusal(camera, options, **more)
    assert all(text in message for text in told), message
    with Butler.from_config(camera) as butler:
        assert SUSPECT_RUN not in butler.collections.query("*")
        assert "suspectMask" not in {kind.name for kind in butler.registry.queryDatasetTypes("*")}


def test_how_far_it_is(camera: Path, masks: Path) -> None:
    state = replace(DefectsState.from_params(completed(declared(masks), detectors=[1, 2, 3])), batch_size=2)
    said: list[tuple[str, int, int | None]] = []
    report = Report(step=lambda *step: said.append(step))
    converge_here(state, camera, report=report)
    assert said == [
        *(("reading", done, 3) for done in (0, 1, 2)),
        *(("storing", done, 6) for done in (2, 3, 5, 6)),
    ]


def test_killed_runs_are_finished_by_the_next(tmp_path: Path, camera: Path, masks: Path) -> None:
    template = tmp_path / "template"
    template.mkdir()
    camera.rename(template / "repo")
    assert converge(template / "repo", declared(masks), detectors=[1, 2]).changed
    write_mask(masks / "des" / des_name(1), mask_of((0, 0, 1)), 1)

    def attempt_in(folder: Path) -> Attempt:
        options = completed(declared(masks), on_conflict="replace")
        return Attempt("_states.defects.state:DefectsState", options, folder / "repo", {"batch_size": 2})

    kills = prove_killed_runs_are_finished(
        template,
        attempt_in,
        steps=some(8, 20260401, "commit", "transfer", "transferred", "remove"),
        moments=2,
        seed=1,
    )
    assert kills >= 8


def test_a_reader_sees_what_would_be_done(
    database: Database, tmp_path: Path, masks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "repo"
    Butler.makeRepo(root, Config({"registry": {"db": database.url}}))
    with Butler.from_config(root, writeable=True) as butler:
        add_camera(butler)
    arguments = {"repo": str(root), **declared(masks)}
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials(READER))
    promised = module_here("butler_defects", arguments, check_mode=True)
    refused = module_here("butler_defects", arguments)
    assert promised["changed"] and refused.failed
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials())
    done = cycle_here("butler_defects", arguments)
    done.assert_converges()
    assert done.run["changes"] == promised["changes"]
    assert stored(root, "defects", BAD_RUN) == BAD


def test_examples(camera: Path, masks: Path) -> None:
    results = run_examples("butler_defects", {"/data/butler/deep": str(camera), "/data/bpm": str(masks)})
    assert [result["changed"] for result in results] == [True, True]
