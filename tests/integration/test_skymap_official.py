# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_skymap registers sky maps of other types with `lsst.skymap`, where that is installed."""

from __future__ import annotations

import importlib
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import Outcome
from ansible_collections.rubin.butler.plugins.module_utils._states.skymaps.state import SkyMapsState
from lsst.daf.butler import Butler

from tests.integration.ansible_play import cycle
from tests.integration.converging import converge_here
from tests.integration.official_sky_maps import STAND_IN, importable, install
from tests.integration.sky_maps import FIELDS, config_file, counts, declared

HEALPIX = """
import lsst.skymap
config.name = "twelve"
config.skyMap = "healpix"
config.skyMap.active.pixelScale = 10.0 / 50
config.skyMap["healpix"].patchBorder = 7
builder = config.skyMap["healpix"].tractBuilder
builder["cells"].cellBorder = 30
builder.name = "cells"
config.skyMap["stripe"].numTracts = 4
"""
STRIPES = 'config.name = "stripes"\nconfig.skyMap.name = "stripe"\n'
"""Three tracts of four, six and four patches."""


@pytest.fixture
def package(tmp_path: Path) -> Iterator[str]:
    """Have the stand-in for `lsst.skymap` in this process."""
    path = install(tmp_path / "installed")
    with importable(path):
        yield path


def converge(repo: Path, folder: Path, text: str, *, check_mode: bool = False) -> Outcome:
    """Do what the module does, without the time that Ansible takes."""
    given = [declared(None, config_file=config_file(folder, text))]
    return converge_here(SkyMapsState.from_params({"skymaps": given}), repo, check_mode=check_mode)


def official(kind: str, **options: Any) -> Any:
    """Make a sky map as Python that executes its configuration would."""
    cls = importlib.import_module("lsst.skymap").skyMapRegistry[kind]
    config = cls.ConfigClass()
    for name, value in options.items():
        setattr(config.tractBuilder["cells"] if name == "cellBorder" else config, name, value)
    return cls(config)


def assert_registered(repo: Path, name: str, sky_map: Any) -> None:
    """Compare all records with what `BaseSkyMap.register` inserts, and what is stored with the sky map."""
    tracts = list(sky_map)
    with Butler.from_config(repo) as butler:
        with butler.query() as query:
            found = {
                element: [record.toDict() for record in query.where(skymap=name).dimension_records(element)]
                for element in ("skymap", "tract", "patch")
            }
        ref = butler.find_dataset("skyMap", skymap=name, collections="skymaps")
        assert ref is not None
        data = butler.getURI(ref).read()
    # As the formatter of the official tool writes and reads it.
    assert data == pickle.dumps(sky_map, protocol=-1)
    assert type(pickle.loads(data)) is type(sky_map)
    sides = [tract.getNumPatches() for tract in tracts]
    [record] = found["skymap"]
    assert record == {
        "name": name,
        "hash": sky_map.getSha1(),
        "tract_max": len(tracts),
        "patch_nx_max": max(nx for nx, _unused in sides),
        "patch_ny_max": max(ny for _unused, ny in sides),
    }
    assert sorted(found["tract"], key=lambda row: row["id"]) == [
        {"skymap": name, "id": tract.getId(), "region": tract.getOuterSkyPolygon()} for tract in tracts
    ]
    assert sorted(found["patch"], key=lambda row: (row["tract"], row["id"])) == [
        {
            "skymap": name,
            "tract": tract.getId(),
            "id": tract.getSequentialPatchIndex(patch),
            "cell_x": patch.getIndex()[0],
            "cell_y": patch.getIndex()[1],
            "region": patch.getOuterSkyPolygon(tract.getWcs()),
        }
        for tract in tracts
        for patch in tract
    ]


def test_other_types_are_registered_once(
    repo: Path, tmp_path: Path, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", package)
    given = [
        {"config_file": config_file(tmp_path, HEALPIX)},
        {"name": "small_discrete", "discrete": FIELDS},
    ]
    done = cycle("butler_skymap", {"repo": str(repo), "skymaps": given})
    done.assert_converges()
    sky_map = official("healpix", pixelScale=0.2, patchBorder=7, tractBuilder="cells", cellBorder=30)
    assert_registered(repo, "twelve", sky_map)
    for result in (done.check, done.run_again):
        twelve, small = result["skymaps"]
        assert twelve == {
            "name": "twelve",
            "hash": sky_map.getSha1().hex(),
            "tracts": 12,
            "patches": 60,
            "source": "lsst.skymap",
        }
        assert (small["source"], small["tracts"], small["patches"]) == ("built-in", 3, 75)


def test_any_type_serves_and_what_is_missing_is_added(repo: Path, tmp_path: Path, package: str) -> None:
    sky_map = official("stripe")
    with Butler.from_config(repo, writeable=True) as butler:
        columns = {"tract_max": 3, "patch_nx_max": 3, "patch_ny_max": 2}
        butler.registry.insertDimensionData(
            "skymap", {"name": "stripes", "hash": sky_map.getSha1(), **columns}
        )
        # Tract 0 is whole; tract 1 lacks the last two of its six patches.
        for tract in list(sky_map)[:2]:
            key = {"skymap": "stripes", "tract": tract.getId()}
            butler.registry.insertDimensionData("tract", {**key, "region": tract.getOuterSkyPolygon()})
            rows = [
                {**key, "id": index, "cell_x": patch.getIndex()[0], "cell_y": patch.getIndex()[1]}
                | {"region": patch.getOuterSkyPolygon(tract.getWcs())}
                for index, patch in enumerate(tract)
            ]
            butler.registry.insertDimensionData("patch", *rows[:4])
    promised, done = (converge(repo, tmp_path, STRIPES, check_mode=check) for check in (True, False))
    shown = {change.kind: (change.before, change.after) for change in done.changes}
    assert shown["tracts"] == ({"tracts": 2}, {"tracts": 3})
    assert shown["patches"] == ({"patches": 8}, {"patches": 14})
    assert (promised.changes, promised.stats) == (done.changes, done.stats)
    assert_registered(repo, "stripes", sky_map)
    assert not converge(repo, tmp_path, STRIPES).changed


def refusal(repo: Path, folder: Path, text: str) -> str:
    """Declare what is refused, and give the reason."""
    with pytest.raises(ButlerError) as caught:
        converge(repo, folder, text)
    return str(caught.value)


def test_another_type_under_a_registered_name_is_a_conflict(repo: Path, tmp_path: Path, package: str) -> None:
    given = [declared("twelve", discrete=FIELDS)]
    assert converge_here(SkyMapsState.from_params({"skymaps": given}), repo).changed
    message = refusal(repo, tmp_path, HEALPIX)
    assert "skymap twelve: it has another configuration: " in message
    assert "skyMap: discrete registered, healpix declared" in message
    assert "patchBorder" not in message and "pixelScale" not in message
    assert counts(repo, "twelve") == (3, 75)


BAD: dict[str, tuple[str, list[str]]] = {
    "an option": (
        HEALPIX + 'config.skyMap["healpix"].log2NSides = 1',
        ["line 11: ", '["healpix"].log2NSides is unknown, expected config.skyMap["healpix"].log2NSide'],
    ),
    "a nested option": (
        HEALPIX + 'builder["cells"].border = 1',
        ['tractBuilder["cells"].border is unknown, expected config.skyMap["healpix"].tractBuilder["cells"]'],
    ),
    "a method": (HEALPIX + 'config.skyMap["healpix"].freeze = 1', ["freeze is unknown, expected one of "]),
    "an item of a value": (HEALPIX + "config.name.x = 1", ["config.name is a value, nothing is in it"]),
    "a whole part": (HEALPIX + 'config.skyMap["healpix"] = 1', ["takes no value, only its options do"]),
    "a value": (
        HEALPIX + 'config.skyMap["healpix"].pixelScale = -0.2',
        ["line 11: ", '["healpix"].pixelScale can\'t be -0.2: Value -0.2 is not a valid value'],
    ),
    "a type": (
        'config.name = "x"\nconfig.skyMap = "hexagons"',
        ["line 2: config.skyMap can't be 'hexagons': Unknown key 'hexagons'"],
    ),
    "a call": (HEALPIX + 'open("/etc/passwd")', ["line 11: this is no assignment", "never executed"]),
    "no name": ('config.skyMap = "healpix"', ["has no line with config.name"]),
    "no option": (HEALPIX + 'config.skyMap["healpix"].log2NSide = None', ["log2NSide", "None"]),
    "an error of the class": (
        STRIPES + 'config.skyMap["stripe"].numTracts = 301',
        ["lsst.skymap can't make this sky map of type stripe: RuntimeError: the sky is full", sys.executable],
    ),
    "no tract": (STRIPES + 'config.skyMap["stripe"].numTracts = 0', ["lsst.skymap gives", "no tracts"]),
    "unequal tracts": (
        STRIPES + 'config.skyMap["stripe"].most = 2',
        ["stripes: lsst.skymap refuses patches of tract 1, which has 3 x 2: Patch index (2, 1)", "Choose"],
    ),
    "numbers": (STRIPES + 'config.skyMap["stripe"].first = 1', ["numbers the tracts", "not from 0 on"]),
}


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_named_and_nothing_is_written(
    name: str, repo: Path, tmp_path: Path, package: str
) -> None:
    text, words = BAD[name]
    message = refusal(repo, tmp_path, text)
    assert message.startswith("skymaps[0]"), message
    for word in words:
        assert word in message, message
    with Butler.from_config(repo) as butler:
        assert not list(butler.collections.query("*"))


@pytest.mark.parametrize(
    ("first_line", "reason"),
    [
        ("import lsst.afw", "ModuleNotFoundError: No module named 'lsst.afw'"),
        ("raise RuntimeError('built for another Python')", "RuntimeError: built for another Python"),
    ],
)
def test_a_package_that_lacks_a_piece_is_told(
    first_line: str, reason: str, repo: Path, tmp_path: Path
) -> None:
    with importable(install(tmp_path / "installed", first_line + STAND_IN)):
        message = refusal(repo, tmp_path, 'config.name = "x"\nconfig.skyMap = "healpix"\n')
    assert "skymaps[0].config_file: " in message and "configures a sky map of type healpix" in message
    assert "Built in are rings and discrete; others need lsst.skymap" in message
    assert f"{sys.executable} can't import lsst.skymap: {reason}." in message
