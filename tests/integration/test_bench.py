# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured is what it is said to be: the baseline is the official procedure, and both do the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lsst.daf.butler import Butler

from bench import raws, raws_million, webdav
from bench.raw_data import make_data, show_sidecars, sources
from bench.raw_work import RUN, compare, fresh_repository, official, ours, parameters
from tests.integration.ansible_play import CHECKOUT
from tests.integration.canonical import difference, dump
from tests.integration.raw_files import official_datasets, write_raws
from tests.integration.raw_states import assert_records_are_official, refs_in

pytestmark = pytest.mark.exhaustive


def bench(module: str, *arguments: str) -> str:
    """Run a measurement as a user does."""
    line = [sys.executable, "-m", module, *arguments]
    environment = {**os.environ, "PYTHONPATH": "var/collections"}
    done = subprocess.run(line, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_baseline_writes_what_the_official_ingest_wrote(tmp_path: Path) -> None:
    repo, files = str(tmp_path / "repo"), tmp_path / "files"
    count = len(write_raws(files))
    fresh_repository(repo, None)()
    for _again in range(2):
        official(repo, [str(files)], count)()
        assert_records_are_official(Path(repo))
        with Butler.from_config(repo) as butler:
            found = {str(ref.id) for ref in refs_in(butler, RUN)}
        assert found == {row["id"] for row in official_datasets()["datasets"]}


def test_everything_is_measured_and_the_repositories_are_equal(tmp_path: Path) -> None:
    out, repositories, data = tmp_path / "out" / "raws.json", tmp_path / "repositories", tmp_path / "data"
    said = bench(
        "bench.raws", "--exposures=4", "--registry=sqlite", f"--out={out}",
        f"--repositories={repositories}", f"--data={data}",
    )  # fmt: skip
    content: dict[str, Any] = json.loads(out.read_text())
    figures = content["registries"]["sqlite"]
    assert list(figures) == list(raws.WORKS)
    for key, name in raws.WORKS.items():
        figure = figures[key]
        assert figure["name"] == name
        assert figure["datasets"] == (45 if key == "ours_few_new" else 36)
        assert figure["seconds"] > 0 and figure["cpu"] > 0 and figure["megabytes"] > 50
        assert figure["rate"] == pytest.approx(figure["datasets"] / figure["seconds"])
        assert f"| {name} |" in said
    assert figures["official_headers"]["times_official"]["headers"] == 1.0
    assert figures["ours_again"]["times_official"]["sidecars"] == pytest.approx(
        figures["ours_again"]["rate"] / figures["official_sidecars_again"]["rate"]
    )
    assert "4 exposures with 9 files each" in said and "only" not in content["explanation"]
    made = {name: dump(repositories / "sqlite" / name) for name in ("official_headers", "official_sidecars")}
    mine = dump(repositories / "sqlite" / "ours_sidecars")
    assert len(mine["dataset"]) == 36
    for name, theirs in made.items():
        assert difference(theirs, mine) == [], name


def test_a_difference_between_the_repositories_is_an_error(tmp_path: Path) -> None:
    one, other, data = str(tmp_path / "one"), str(tmp_path / "other"), tmp_path / "data"
    make_data(data, 3)
    show_sidecars(data, 3, shown=True)
    for repo in (one, other):
        fresh_repository(repo, None)()
    official(one, sources(data, 3, first=2), 18)()
    ours(other, parameters(sources(data, 3)), 27)()
    compare(one, other, whole=False)()
    with pytest.raises(RuntimeError, match=f"{one} and {other} differ in "):
        compare(one, other, whole=True)()
    with pytest.raises(RuntimeError, match="differ"):
        compare(other, one, whole=False)()
    with pytest.raises(RuntimeError, match="0 raws were added, and 27 are new"):
        ours(other, parameters(sources(data, 3)), 27)()


def test_a_smaller_baseline_is_said() -> None:
    text = raws.explanation(16_539, 2_223)
    assert "measured on the first 2,223 exposures only (20,007 files)" in text
    with pytest.raises(ValueError, match="butler_raws has no option colour"):
        parameters(["/data"], colour="blue")


def test_memory_is_measured_at_several_sizes(tmp_path: Path) -> None:
    out = tmp_path / "million.json"
    said = bench("bench.raws_million", "--files=20", "--files=40", f"--out={out}")
    figures = json.loads(out.read_text())["figures"]
    assert [figure["datasets"] for figure in figures] == [27, 45]
    assert all(figure["megabytes"] > 50 for figure in figures)
    assert "27 files" in said and "peak" in said
    assert raws_million.SIZES[-1] == 1_000_000


def test_sky_maps_and_visits_are_measured_beside_their_bare_rows(tmp_path: Path) -> None:
    out = tmp_path / "sky.json"
    said = bench("bench.sky", "--sky-map=one_field", "--visits=LSSTComCam:12", f"--json={out}")
    for name, count in (("one_field", 25), ("LSSTComCam", 12 * 9)):
        content = json.loads(out.with_stem(f"sky-{name}").read_text())
        bare, mine, again = content["figures"]
        assert content["baseline"] == bare["name"] and bare["name"].endswith("rows only")
        assert {figure["datasets"] for figure in (bare, mine, again)} == {count}
        # The rows are made beforehand, so their insertion is not all that the process does.
        assert 0 < bare["seconds"] < mine["seconds"]
        assert again["name"].endswith("nothing new") and again["name"] in said


def test_raws_behind_webdav_are_measured_beside_local_files(tmp_path: Path) -> None:
    out = tmp_path / "webdav.json"
    said = bench("bench.webdav", "--exposures=12", "--registry=sqlite", f"--json={out}")
    figures = json.loads(out.read_text())["registries"]["sqlite"]
    assert list(figures) == list(webdav.WORKS)
    assert {figure["datasets"] for figure in figures.values()} == {12 * 9}
    assert figures["files"]["requests"] == figures["files_again"]["requests"] == {}
    assert figures["webdav"]["requests"]["GET"] == 12, "one index for each exposure, and no file"
    # Folders of a camera, a day and the exposures are listed, and no recorded file is asked for.
    again = figures["webdav_again"]["requests"]
    assert again.keys() == {"OPTIONS", "PROPFIND"} and again["PROPFIND"] <= 4 * (12 + 3) < 12 * 9
    assert all(figure["seconds"] > 0 and f"| {figure['name']} |" in said for figure in figures.values())


def test_exports_are_measured_beside_the_official_one(tmp_path: Path) -> None:
    out = tmp_path / "exports.json"
    said = bench("bench.exports", "--datasets=30", f"--json={out}")
    content = json.loads(out.read_text())
    assert content["baseline"] == "official export" and len(content["figures"]) == 4
    assert all(figure["datasets"] == 30 and figure["name"] in said for figure in content["figures"])


def test_imports_of_many_files_are_measured_beside_the_official_ones(tmp_path: Path) -> None:
    out = tmp_path / "imports.json"
    said = bench("bench.imports", "--datasets=200", "--files=4", "--registry=sqlite", f"--json={out}")
    content = json.loads(out.read_text())
    assert content["baseline"] == "official import in a loop, sqlite" and len(content["figures"]) == 5
    assert all(figure["datasets"] == 200 and figure["name"] in said for figure in content["figures"])
