# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_skymap registers sky maps, once, and never another one in their place."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.hash import sky_map_hash
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.options import config_from_options
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.stored import read_stored, stored_sky_map
from ansible_collections.rubin.butler.plugins.module_utils._states.skymaps.state import SkyMapsState
from lsst.daf.butler import Butler, CollectionType, DatasetType

from tests.integration.ansible_play import cycle, run
from tests.integration.converging import converge_here
from tests.integration.documented import run_examples
from tests.integration.sky_maps import CELLS, FIELDS, FIELDS_FILE, config_file, counts, declared, stored

HASH = "ce7865f13ff536cbe288d1a2b783f07e5440e7ba"
"""That of `FIELDS`, from the reference data."""

ONE_FIELD = {**FIELDS, "ra_list": [10.0], "dec_list": [-30.0], "radius_list": [0.3]}
"""Another one: a tract of nine patches."""


@pytest.fixture
def three(tmp_path: Path) -> list[dict[str, Any]]:
    """Declare a sky map in each of the three ways."""
    return [
        {"config_file": config_file(tmp_path)},
        {"name": "small_cells_rings", "rings": CELLS},
        {"name": "one_field", "discrete": ONE_FIELD},
    ]


def converge(repo: Path, *skymaps: dict[str, Any], check_mode: bool = False) -> Outcome:
    """Do what the module does, without the time that Ansible takes."""
    state = SkyMapsState.from_params({"skymaps": skymaps})
    return converge_here(state, repo, check_mode=check_mode)


def register_small(repo: Path, folder: Path) -> None:
    assert converge(repo, declared("small_discrete", config_file=config_file(folder))).changed


def test_sky_maps_are_registered_once(repo: Path, three: list[dict[str, Any]]) -> None:
    done = cycle("butler_skymap", {"repo": str(repo), "skymaps": three})
    done.assert_converges()
    # Dataset type, run; a record, tracts, patches and a dataset for each.
    added = 2 + (2 + 3 + 75) + (2 + 26 + 234) + (2 + 1 + 9)
    assert done.run["stats"]["added"] == added
    assert done.run_again["stats"]["present"] == added
    [patches] = [
        change
        for change in done.run["changes"]
        if (change["kind"], change["name"]) == ("patches", "small_discrete")
    ]
    assert patches["after"] == {"patches": 75} and patches["count"] == 75
    assert counts(repo, "small_cells_rings") == (26, 234) and counts(repo, "small_discrete") == (3, 75)


def test_the_stored_sky_map_is_where_the_official_tool_puts_it(repo: Path) -> None:
    assert converge(repo, declared("one_field", discrete=ONE_FIELD)).changed
    config = config_from_options("discrete", ONE_FIELD)
    with Butler.from_config(repo) as butler:
        ref = butler.find_dataset("skyMap", skymap="one_field", collections="skymaps")
        assert ref is not None and ref.id.version == 7
        assert ref.datasetType == DatasetType("skyMap", ["skymap"], "SkyMap", universe=butler.dimensions)
        uri = butler.getURI(ref)
        assert uri.ospath == str(repo / "skymaps/skyMap/skyMap_one_field_skymaps.pickle")
        assert uri.read() == stored_sky_map(config) and read_stored(uri.read()) == config
        assert butler.collections.get_info("skymaps").type is CollectionType.RUN
        with butler.query() as query:
            [record] = query.dimension_records("skymap")
        assert (record.tract_max, record.patch_nx_max, record.patch_ny_max) == (1, 3, 3)


def refusal(repo: Path, *skymaps: dict[str, Any]) -> str:
    """Declare what is refused, and give the reason."""
    with pytest.raises(ButlerError) as caught:
        converge(repo, *skymaps)
    return str(caught.value)


def test_another_configuration_of_a_name_is_a_conflict(repo: Path, tmp_path: Path) -> None:
    register_small(repo, tmp_path)
    other = FIELDS_FILE.replace("2.2, 89.0", "2.5, 89.0").replace("pixelScale = 0.2", "pixelScale = 0.25")
    message = refusal(
        repo,
        declared("small_discrete", config_file=config_file(tmp_path, other)),
        declared("one_field", discrete=ONE_FIELD),
    )
    assert "skymap small_discrete: it has another configuration: " in message
    assert "pixelScale: 0.2 registered, 0.25 declared" in message
    assert "decList: value 1 is 2.2 registered, 2.5 declared" in message
    assert HASH in message and "Nothing was written" in message
    assert counts(repo, "small_discrete") == (3, 75) and list(stored(repo)) == ["small_discrete"]


def test_a_conflict_with_a_sky_map_that_can_not_be_read_is_told_by_its_hash(
    repo: Path, tmp_path: Path
) -> None:
    register_small(repo, tmp_path)
    (repo / "skymaps/skyMap/skyMap_small_discrete_skymaps.pickle").write_bytes(b"\x80\x05not a sky map")
    other = config_file(tmp_path, FIELDS_FILE.replace("0.2", "0.3"))
    message = refusal(repo, declared("small_discrete", config_file=other))
    assert "what is stored of it can't be read" in message and HASH in message


def test_a_configuration_has_one_name(repo: Path, tmp_path: Path) -> None:
    register_small(repo, tmp_path)
    renamed = config_file(tmp_path, FIELDS_FILE.replace('"small_discrete"', '"other_name"'))
    message = refusal(repo, declared(None, config_file=renamed))
    assert "skymap other_name: its configuration is registered as small_discrete already" in message
    assert counts(repo, "other_name") == (0, 0)


def test_what_is_missing_of_a_sky_map_is_added(repo: Path, tmp_path: Path) -> None:
    with Butler.from_config(repo, writeable=True) as butler:
        record = {"name": "small_discrete", "tract_max": 3, "patch_nx_max": 5, "patch_ny_max": 5}
        butler.registry.insertDimensionData("skymap", {**record, "hash": bytes.fromhex(HASH)})
        # Tract 0 without patches, as no transaction of ours leaves it; tract 2 with one of them.
        butler.registry.insertDimensionData(
            "tract", *({"skymap": "small_discrete", "id": tract, "region": None} for tract in (0, 2))
        )
        patch = {"skymap": "small_discrete", "tract": 2, "id": 7, "cell_x": 2, "cell_y": 1, "region": None}
        butler.registry.insertDimensionData("patch", patch)
    sky_map = declared("small_discrete", config_file=config_file(tmp_path))
    promised, done = (converge(repo, sky_map, check_mode=check) for check in (True, False))
    shown = {change.kind: (change.before, change.after) for change in done.changes}
    assert shown["tracts"] == ({"tracts": 2}, {"tracts": 3})
    assert shown["patches"] == ({"patches": 1}, {"patches": 75})
    assert "skymap" not in shown
    assert (promised.changes, promised.stats) == (done.changes, done.stats)
    assert counts(repo, "small_discrete") == (3, 75)
    assert not converge(repo, sky_map).changed


def test_a_stored_sky_map_that_the_datastore_lost_is_stored_again(repo: Path, tmp_path: Path) -> None:
    register_small(repo, tmp_path)
    with Butler.from_config(repo, writeable=True) as butler:
        ref = butler.find_dataset("skyMap", skymap="small_discrete", collections="skymaps")
        assert ref is not None
        butler.pruneDatasets([ref], disassociate=False, unstore=True)
    sky_map = declared("small_discrete", config_file=config_file(tmp_path))
    done = converge(repo, sky_map)
    assert [change.kind for change in done.changes] == ["artifact"] and done.stats["added"] == 1
    assert stored(repo)["small_discrete"].id == ref.id
    assert (repo / "skymaps/skyMap/skyMap_small_discrete_skymaps.pickle").stat().st_size > 100
    assert not converge(repo, sky_map).changed


def test_other_things_of_these_names_are_conflicts(repo: Path, tmp_path: Path) -> None:
    with Butler.from_config(repo, writeable=True) as butler:
        butler.collections.register("skymaps", CollectionType.TAGGED)
        other = DatasetType("skyMap", ["skymap"], "StructuredDataDict", universe=butler.dimensions)
        butler.registry.registerDatasetType(other)
    message = refusal(repo, declared("small_discrete", config_file=config_file(tmp_path)))
    assert "collection skymaps" in message and "dataset type skyMap" in message
    assert "has to be renamed or removed first" in message
    assert counts(repo, "small_discrete") == (0, 0)


def test_check_mode_needs_no_repository(tmp_path: Path, three: list[dict[str, Any]]) -> None:
    arguments = {"repo": str(tmp_path / "none"), "skymaps": three}
    result = run("butler_skymap", arguments, check_mode=True, diff=True)
    assert result.changed, result.message
    assert result["stats"]["added"] == 2 + (2 + 3 + 75) + (2 + 26 + 234) + (2 + 1 + 9)
    assert "patches small_discrete: {patches: 75}" in result["diff"]["after"]


def test_options_are_ansibles_too(repo: Path) -> None:
    for skymap, words in (
        ({"name": "m"}, "one of the following is required: config_file, rings, discrete"),
        (
            {"name": "m", "rings": CELLS, "discrete": FIELDS},
            "parameters are mutually exclusive: config_file|rings|discrete",
        ),
        ({"name": "m", "rings": {**CELLS, "numRings": 3}}, "numRings"),
    ):
        result = run("butler_skymap", {"repo": str(repo), "skymaps": [skymap]})
        assert result.failed and words in result.message, result.message


BAD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "no name": (declared(None, rings=CELLS), ["skymaps[0].name: ", "needs a name"]),
    "bad name": (declared(" x", rings=CELLS), ["skymaps[0].name: it is ' x', expected a name of 1 to 64"]),
    "dots": (declared("..", rings=CELLS), ["skymaps[0].name: it is '..'", "not only dots"]),
    "a folder": (declared(None, config_file="/"), ["/ can't be read", "no regular file"]),
    "no file": (
        declared(None, config_file="/nowhere/DC2.py"),
        ["skymaps[0].config_file: /nowhere/DC2.py can't be read", "No such file"],
    ),
    "no pixels": (
        declared("m", rings={**CELLS, "pixel_scale": 0}),
        ["skymaps[0].rings: pixel_scale is 0", "arcseconds per pixel, above 0"],
    ),
    "two rings": (
        declared("m", rings={**CELLS, "num_rings": 2}),
        ["skymaps[0].rings: num_rings is 2", "at least 3"],
    ),
    "large pixels": (
        declared("m", rings={**CELLS, "pixel_scale": 10_000}),
        ["skymaps[0]", "m: pixelScale", "10000", "Take smaller pixels"],
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_named_and_nothing_is_written(name: str, repo: Path) -> None:
    sky_map, words = BAD[name]
    message = refusal(repo, sky_map)
    for word in words:
        assert word in message
    with Butler.from_config(repo) as butler:
        assert not list(butler.collections.query("*"))


TEXTS = {
    "python": ("import os\n" + FIELDS_FILE, ["line 1", "import os"]),
    "a call": (FIELDS_FILE + "config.load('other.py')\n", ["line 11", "config.load('other.py')"]),
    "unknown": (FIELDS_FILE + 'config.skyMap["rings"].numRing = 4\n', ["line 11", "numRing", "numRings"]),
    "no pixels": (FIELDS_FILE.replace("pixelScale = 0.2", "pixelScale = 0"), ["pixelScale", "above 0"]),
    "healpix": (
        'config.name = "h"\nconfig.skyMap.name = "healpix"\n',
        ["of type healpix", "rings and discrete", f"{sys.executable} has no module lsst.skymap."],
    ),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_file_is_read_and_never_executed(name: str, repo: Path, tmp_path: Path) -> None:
    text, words = TEXTS[name]
    path = config_file(tmp_path, text)
    message = refusal(repo, declared(None, config_file=path))
    assert message.startswith("skymaps[0].config_file: ") and path in message
    for word in words:
        assert word in message


def test_what_is_declared_twice_is_refused(repo: Path, tmp_path: Path) -> None:
    path = config_file(tmp_path)
    for second, words in (
        (declared(None, config_file=path), "small_discrete is declared by skymaps[0] already"),
        (declared("twin", rings=CELLS), "twin has the configuration of small_cells_rings"),
    ):
        message = refusal(
            repo, declared(None, config_file=path), declared("small_cells_rings", rings=CELLS), second
        )
        assert words in message


def test_a_name_in_the_task_goes_before_that_in_the_file(repo: Path, tmp_path: Path) -> None:
    assert converge(repo, declared("mine", config_file=config_file(tmp_path))).changed
    assert list(stored(repo)) == ["mine"] and counts(repo, "mine") == (3, 75)
    assert not converge(repo, declared("mine", config_file=config_file(tmp_path))).changed


def test_no_two_sky_maps_share_a_file(repo: Path) -> None:
    other = {**ONE_FIELD, "rotation": 5.0}
    message = refusal(repo, declared("a/b", discrete=ONE_FIELD), declared("a b", discrete=other))
    assert "skymap a/b: the file of its skyMap would be that of a b" in message
    assert converge(repo, declared("a/b", discrete=ONE_FIELD)).changed
    message = refusal(repo, declared("a_b", discrete=other))
    assert "skymap a_b: the file of its skyMap would be that of a/b" in message
    assert list(stored(repo)) == ["a/b"]


def test_a_file_that_nobody_recorded_is_replaced_and_told(repo: Path) -> None:
    path = repo / "skymaps/skyMap/skyMap_one_field_skymaps.pickle"
    path.parent.mkdir(parents=True)
    path.write_text("precious")
    sky_map = declared("one_field", discrete=ONE_FIELD)
    promised, done = (converge(repo, sky_map, check_mode=check) for check in (True, False))
    [orphan] = [change for change in done.changes if change.kind == "orphan"]
    assert orphan.before == {"files without a dataset": 1, "that differ": 1}
    assert orphan.examples == ("skymaps/skyMap/skyMap_one_field_skymaps.pickle",)
    assert (promised.changes, promised.stats) == (done.changes, done.stats)
    assert done.stats["replaced"] == 1 and read_stored(path.read_bytes())


def test_rows_of_other_numbers_hide_no_missing_ones(repo: Path) -> None:
    sky_map = declared("one_field", discrete=ONE_FIELD)
    config = config_from_options("discrete", ONE_FIELD)
    with Butler.from_config(repo, writeable=True) as butler:
        insert = butler.registry.insertDimensionData
        insert(
            "skymap",
            {
                "name": "one_field",
                "hash": sky_map_hash(config),
                "tract_max": 1,
                "patch_nx_max": 3,
                "patch_ny_max": 3,
            },
        )
        insert("tract", *({"skymap": "one_field", "id": tract} for tract in (0, 7)))
        cells = {"skymap": "one_field", "tract": 0, "cell_x": 0, "cell_y": 0}
        insert("patch", *({**cells, "id": patch} for patch in (0, 1, 2, 3, 4, 6, 7, 8, 99)))
    promised, done = (converge(repo, sky_map, check_mode=check) for check in (True, False))
    [patches] = [change for change in done.changes if change.kind == "patches"]
    assert (patches.before, patches.after) == ({"patches": 8}, {"patches": 9})
    assert promised.stats == done.stats
    again = converge(repo, sky_map)
    assert not again.changed and again.stats["present"] == 2 + 1 + 1 + 9 + 1


def test_another_writer_that_takes_the_name_is_told(repo: Path) -> None:
    state = SkyMapsState.from_params({"skymaps": [declared("one_field", discrete=ONE_FIELD)]})
    repository = open_repository(str(repo), writeable=True)
    plan = state.plan(state.observe(repository))
    assert converge(repo, declared("one_field", discrete=FIELDS)).changed
    with pytest.raises(ButlerError, match="another writer has registered one_field"):
        state.apply(repository, plan, Report())
    assert counts(repo, "one_field") == (3, 75)


def test_examples(repo: Path, tmp_path: Path) -> None:
    text = FIELDS_FILE.replace("small_discrete", "DC2")
    places = {
        "/data/butler/dp02": str(repo),
        "/data/butler/ccms1": str(repo),
        "/data/skymaps/DC2.py": config_file(tmp_path, text),
    }
    results = run_examples("butler_skymap", places)
    assert all(result.changed for result in results)
    assert set(stored(repo)) == {"DC2", "coarse_rings", "one_field"}
