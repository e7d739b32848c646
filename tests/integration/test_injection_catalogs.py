# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_injection_catalogs divides catalogues by pixel and band, and stores each part once."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.injection.state import InjectionState
from astropy.table import Table, vstack
from lsst.daf.butler import Butler, CollectionType, Config

from tests.integration.converging import converge_here
from tests.integration.documented import run_examples
from tests.integration.killing import Attempt, prove_killed_runs_are_finished, some
from tests.integration.masks import add_camera
from tests.integration.modules_here import cycle_here, module_here
from tests.integration.postgres import READER, Database

RUN = "DEEP/fakes"
EMPTY = dict.fromkeys(("format", "columns", "defaults", "band_column", "band_names", "bands", "magnitudes"))


@pytest.fixture
def camera(repo: Path) -> Path:
    """Give a repository with bands."""
    with Butler.from_config(repo, writeable=True) as butler:
        add_camera(butler)
    return repo


def fakes(rows: int = 40, seed: int = 7) -> Table:
    """Make fakes as the survey has them: in a few pixels of the sky, in two bands."""
    random = numpy.random.default_rng(seed)
    return Table(
        {
            "RA": random.uniform(210.0, 211.5, rows),
            "DEC": random.uniform(-13.0, -12.0, rows),
            "MAG": numpy.where(random.random(rows) < 0.1, numpy.nan, random.uniform(20, 27, rows)),
            "BAND": random.choice(["VR", "Y"], rows),
            "ORBITID": numpy.arange(rows),
        }
    )


def catalog(path: Path, **more: Any) -> dict[str, Any]:
    """Declare a catalogue of fakes."""
    return {
        "path": str(path),
        "columns": {"RA": "ra", "DEC": "dec", "MAG": "mag", "BAND": "band"},
        "defaults": {"source_type": "DeltaFunction"},
        "band_column": "band",
        "band_names": {"Y": "y"},
        **more,
    }


def completed(*catalogs: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Fill in what the module's argument spec would."""
    return {
        "catalogs": [{**EMPTY, **item} for item in catalogs],
        "run": RUN,
        "dataset_type": "injection_catalog",
        "on_conflict": "fail",
        "on_missing": "fail",
        **more,
    }


def converge(repo: Path, *catalogs: dict[str, Any], check_mode: bool = False, **more: Any) -> Outcome:
    """Do what the module does."""
    state = InjectionState.from_params(completed(*catalogs, **more))
    return converge_here(state, repo, check_mode=check_mode)


def refusal(repo: Path, *catalogs: dict[str, Any], **more: Any) -> str:
    """Declare what is refused, and give the reason."""
    with pytest.raises(ButlerError) as caught:
        converge(repo, *catalogs, **more)
    return str(caught.value)


def stored(repo: Path, run: str = RUN) -> dict[tuple[str, int], Table]:
    """Read the shards, as a pipeline does."""
    with Butler.from_config(repo) as butler:
        refs = butler.query_datasets("injection_catalog", run, limit=None, explain=False)
        return {(str(ref.dataId["band"]), int(ref.dataId["htm7"])): butler.get(ref) for ref in refs}


def test_shards_are_stored_once_and_are_the_catalogue(camera: Path, tmp_path: Path) -> None:
    table = fakes()
    table.write(tmp_path / "fakes.fits")
    declared = catalog(tmp_path / "fakes.fits")
    done = cycle_here("butler_injection_catalogs", {"repo": str(camera), "run": RUN, "catalogs": [declared]})
    done.assert_converges()
    shards = stored(camera)
    assert len(shards) > 4 and {band for band, _unused in shards} == {"VR", "y"}
    assert done.run["stats"]["added"] == len(shards) + 2
    assert done.run["diff"]["after"].splitlines() == [
        f"collection {RUN}: {{type: RUN}}",
        "dataset type injection_catalog: {dimensions: [band, htm7], storage_class: ArrowAstropy}",
        f"datasets injection_catalog in {RUN}: {{datasets: {len(shards)}, rows: 40}}",
    ]
    for (band, _unused), shard in shards.items():
        assert set(shard["band"]) == {"Y" if band == "y" else band}
    back = vstack(list(shards.values()))
    back.sort("ORBITID")
    assert set(back["source_type"]) == {"DeltaFunction"}
    for old, new in declared["columns"].items():
        assert numpy.array_equal(back[new], table[old], equal_nan=new == "mag"), new
    with Butler.from_config(camera) as butler:
        assert {ref.id.version for ref in butler.query_datasets("injection_catalog", RUN)} == {5}


def test_one_brighter_source_is_one_change(camera: Path, tmp_path: Path) -> None:
    table, path = fakes(), tmp_path / "fakes.ecsv"
    table.write(path)
    assert converge(camera, catalog(path)).changed
    before = stored(camera)
    table["MAG"][11] = 18.5
    table.write(path, overwrite=True)
    told = refusal(camera, catalog(path))
    assert "other values in mag stored" in told
    assert told.count("dataset htm7") == 1 and "Nothing was written" in told
    kept = converge(camera, catalog(path), on_conflict="keep")
    assert not kept.changed and "kept 1 datasets" in kept.notices[0]
    promised, done = (
        converge(camera, catalog(path), on_conflict="replace", check_mode=check) for check in (True, False)
    )
    assert [change.action for change in done.changes] == ["replace"]
    assert (promised.changes, promised.stats) == (done.changes, done.stats)
    after = stored(camera)
    changed = [key for key in after if 18.5 in after[key]["mag"]]
    assert len(changed) == 1 and len(after) == len(before)
    assert not converge(camera, catalog(path)).changed


def test_a_shard_whose_reader_fails_is_no_difference(camera: Path, tmp_path: Path) -> None:
    fakes(4).write(tmp_path / "fakes.fits")
    declared = catalog(tmp_path / "fakes.fits")
    assert converge(camera, declared).changed
    name = "lsst.daf.butler.formatters.parquet.ParquetFormatter"
    with sqlite3.connect(camera / "gen3.sqlite3") as database:
        database.execute("UPDATE file_datastore_records SET formatter = 'not.installed.Formatter'")
    for on_conflict in ("fail", "keep", "replace"):
        told = refusal(camera, declared, on_conflict=on_conflict)
        assert "can't be read, so that nobody can tell whether it differs" in told and "not.installed" in told
    with sqlite3.connect(camera / "gen3.sqlite3") as database:
        database.execute("UPDATE file_datastore_records SET formatter = ?", [name])
    assert not converge(camera, declared).changed


def test_bands_are_given_in_three_ways_and_catalogues_are_stacked(camera: Path, tmp_path: Path) -> None:
    stars = Table({"ra": [10.0, 10.1], "dec": [1.0, 1.0], "mag_g": [20.0, 21.0], "mag_vr": [19.0, 20.0]})
    galaxies = Table({"ra": [10.0], "dec": [1.0], "mag": [22.0], "n": [4]})
    stars.write(tmp_path / "stars.parquet", format="parquet")
    galaxies.write(tmp_path / "galaxies.csv", format="ascii.csv")
    declared = [
        {"path": str(tmp_path / "stars.parquet"), "magnitudes": {"g": "mag_g", "VR": "mag_vr"}},
        {"path": str(tmp_path / "galaxies.csv"), "format": "ascii.csv", "bands": ["VR", "y"]},
        {"path": str(tmp_path / "later.fits"), "bands": ["VR"]},
    ]
    assert converge(camera, *declared, check_mode=True).assumes == [
        f"catalogs[2].path: file {tmp_path / 'later.fits'} does not exist"
    ]
    done = converge(camera, *declared, on_missing="skip")
    assert done.stats["skipped"] == 1
    shards = stored(camera)
    magnitudes = {band: sorted(table["mag"].tolist()) for (band, _unused), table in shards.items()}
    assert magnitudes == {"g": [20.0, 21.0], "VR": [19.0, 20.0, 22.0], "y": [22.0]}
    [both] = [table for (band, _unused), table in shards.items() if band == "VR"]
    assert both.colnames == ["ra", "dec", "mag", "n"] and both["n"].tolist() == [None, None, 4]
    assert not converge(camera, *declared, on_missing="skip").changed


def test_mistakes_are_answered_before_anything_is_written(camera: Path, tmp_path: Path) -> None:
    path = tmp_path / "fakes.ecsv"
    good = {"ra": [10.0, 20.0], "dec": [1.0, 2.0], "band": ["g", "VR"]}
    cases: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
        ({"ra": [10.0]}, {"bands": ["g"]}, ["has no column dec", "option columns"]),
        ({**good, "dec": [1.0, 91.0]}, {"bands": ["g"]}, ["dec of 1 rows", "row 2: 91.0"]),
        ({**good, "ra": ["a", "b"]}, {"bands": ["g"]}, ["its column ra is of"]),
        ({**good, "band": ["g", ""]}, {"band_column": "band"}, ["1 rows have no band in band: 2"]),
        (good, {"band_column": "filter"}, ["has no column filter"]),
        (good, {"magnitudes": {"g": "mag_g"}}, ["has no column mag_g"]),
        (good, {}, ["catalogs[0]: the bands of its rows", "none is given"]),
        (good, {"bands": ["g"], "band_column": "band"}, ["band_column and bands are given"]),
        (good, {"bands": ["g", "g"]}, ["catalogs[0].bands: g is there more than once"]),
        (
            {**good, "band": ["g", "Y"]},
            {"band_column": "band"},
            ["catalogs: physical filter of band Y (there are some of VR, g, y) does not exist"],
        ),
    ]
    for columns, more, told in cases:
        Table(columns).write(path, overwrite=True)
        message = refusal(camera, {"path": str(path), **more})
        assert all(text in message for text in told), message
    path.write_text("no table\n\x00")
    assert "is not a table that astropy can read" in refusal(camera, {"path": str(path), "bands": ["g"]})
    with Butler.from_config(camera, writeable=True) as butler:
        assert RUN not in butler.collections.query("*")
        butler.collections.register(RUN, CollectionType.CHAINED)
    Table(good).write(path, overwrite=True)
    assert f"collection {RUN}: it is a CHAINED" in refusal(camera, {"path": str(path), "bands": ["g"]})
    with Butler.from_config(camera) as butler:
        assert not list(butler.registry.queryDatasetTypes("*"))


def test_how_far_it_is(camera: Path, tmp_path: Path) -> None:
    fakes().write(tmp_path / "fakes.fits")
    state = replace(InjectionState.from_params(completed(catalog(tmp_path / "fakes.fits"))), batch_size=3)
    said: list[tuple[str, int, int | None]] = []
    report = Report(step=lambda *step: said.append(step))
    converge_here(state, camera, report=report)
    shards = len(stored(camera))
    assert said == [("storing", min(done, shards), shards) for done in range(3, shards + 3, 3)]


def test_killed_runs_are_finished_by_the_next(tmp_path: Path, camera: Path) -> None:
    template, path = tmp_path / "template", tmp_path / "fakes.ecsv"
    template.mkdir()
    camera.rename(template / "repo")
    table = fakes(12)
    table.write(path)
    assert converge(template / "repo", catalog(path)).changed
    table["MAG"][3] = 18.5
    vstack([table, fakes(4, seed=8)]).write(path, overwrite=True)

    def attempt_in(folder: Path) -> Attempt:
        options = completed(catalog(path), on_conflict="replace")
        return Attempt("_states.injection.state:InjectionState", options, folder / "repo", {"batch_size": 2})

    kills = prove_killed_runs_are_finished(
        template,
        attempt_in,
        steps=some(6, 20260401, "commit", "transfer", "transferred", "remove"),
        moments=2,
        seed=1,
    )
    assert kills >= 6


def test_a_reader_sees_what_would_be_done(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "repo"
    Butler.makeRepo(root, Config({"registry": {"db": database.url}}))
    with Butler.from_config(root, writeable=True) as butler:
        add_camera(butler)
    fakes().write(tmp_path / "fakes.fits")
    arguments = {"repo": str(root), "run": RUN, "catalogs": [catalog(tmp_path / "fakes.fits")]}
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials(READER))
    promised = module_here("butler_injection_catalogs", arguments, check_mode=True)
    assert promised["changed"] and module_here("butler_injection_catalogs", arguments).failed
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials())
    done = cycle_here("butler_injection_catalogs", arguments)
    done.assert_converges()
    assert done.run["changes"] == promised["changes"]


def test_examples(camera: Path, tmp_path: Path) -> None:
    fakes().write(tmp_path / "fakes.fits")
    Table({"ra": [10.0], "dec": [1.0], "mag_g": [20.0], "mag_vr": [19.0]}).write(tmp_path / "stars.ecsv")
    Table({"ra": [10.0], "dec": [1.0], "mag": [22.0]}).write(tmp_path / "galaxies.csv", format="ascii.csv")
    places = {"/data/butler/deep": str(camera), "/data/deep": str(tmp_path)}
    results = run_examples("butler_injection_catalogs", places)
    assert [result["changed"] for result in results] == [True, True]
