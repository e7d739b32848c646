# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository with our sky maps and visits holds what the official tools write, and answers as theirs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._instruments.catalogue import find_built_in
from ansible_collections.rubin.butler.plugins.module_utils._states.skymaps.state import SkyMapsState
from lsst.daf.butler import Butler
from lsst.daf.butler.queries import Query
from lsst.sphgeom import Angle, Circle, ConvexPolygon, HtmPixelization, LonLat, UnitVector3d

from tests.integration.converging import converge_here
from tests.integration.golden_sky import (
    GROUPINGS,
    Tracts,
    golden_map,
    insert_sky_map,
    insert_visits,
    kept_visits,
    known_detectors,
)
from tests.integration.raw_files import write_raws
from tests.integration.raw_states import ingest, register
from tests.integration.sky_maps import CELLS, FIELDS, counts, declared
from tests.integration.visit_states import assert_same_corners, define, polygon
from tests.visit_facts import CAMERAS

MAPS: dict[str, dict[str, Any]] = {
    "small_discrete": {"discrete": FIELDS},
    "small_rings": {"rings": {**CELLS, "pixel_scale": 10.0, "tract_builder": "legacy"}},
    "small_cells_rings": {"rings": CELLS},
}
RINGS = 180 / 8 + 1 / 60
"""How far tracts of three rings reach: half the height of a ring and the overlap, in degrees."""
RINGS_OF_120 = 180 / 242 + 1 / 60
PLANS = {
    "small_discrete": Tracts((), 0.5, 0.2),
    "small_rings": Tracts((), RINGS, 10.0),
    "small_cells_rings": Tracts((), RINGS, 20.0, inner=3000, border=200, clipped=False),
    "DC2": Tracts((), RINGS_OF_120, 0.2),
    "lsst_cells_v1": Tracts((), RINGS_OF_120, 0.2, inner=3000, border=200, clipped=False),
}

# Near the pointings of the visits, one of them across the start of right ascensions; one over a pole; and one
# that just reaches a corner of a visit.
PLACES = (
    (53.5, -28.1),
    (150.3, 2.0),
    (0.2, -44.6),
    (14.0, -85.2),
    (127.9, -44.0),
    (320.3, -17.7),
    (55.9, -30.2),
    (57.3, -32.0),
    (270.3, -23.5),
    (42.5, 0.3),
    (200.0, -89.3),
    (149.997, 4.0275),
)
WIDE = PLACES[::2] + PLACES[3::4]
SKY_MAPS: dict[str, tuple[Tracts, dict[str, Any]]] = {
    "fields": (
        Tracts(PLACES, 1.3, 0.3),
        {"pixel_scale": 0.3, "radius_list": [1.3] * len(PLACES), "patch_border": 100},
    ),
    "cell_fields": (
        Tracts(WIDE, 1.0, 0.5, inner=3000, border=200, clipped=False),
        {"pixel_scale": 0.5, "radius_list": [1.0] * len(WIDE), "tract_builder": "cells"},
    ),
}


def sky_maps(**changed: Mapping[str, Any]) -> SkyMapsState:
    """Declare the sky maps around the visits, with other options for some."""
    found = []
    for name, (tracts, options) in SKY_MAPS.items():
        ra_list, dec_list = map(list, zip(*tracts.centres, strict=True))
        common = {"projection": "TAN", "tract_overlap": 0.0, "ra_list": ra_list, "dec_list": dec_list}
        found.append(declared(name, discrete={**common, **options, **changed.get(name, {})}))
    return SkyMapsState.from_params({"skymaps": found})


@pytest.fixture(scope="module")
def mapped(empty_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a repository with the sky maps of the reference: those of the whole sky take some seconds each."""
    repo = Path(shutil.copytree(empty_repository, tmp_path_factory.mktemp("mapped") / "repo"))
    state = SkyMapsState.from_params({"skymaps": [declared(name, **kind) for name, kind in MAPS.items()]})
    assert converge_here(state, repo).changed
    return repo


@pytest.mark.parametrize("name", MAPS)
def test_a_registered_sky_map_is_that_of_the_official_tool(name: str, mapped: Path) -> None:
    golden = golden_map(name)
    with Butler.from_config(mapped) as butler:
        [record] = butler.query_dimension_records("skymap", skymap=name)
        assert record.toDict() == golden["record"]
        assert counts(mapped, name) == (golden["record"]["tract_max"], golden["n_patch_total"])
        keys = {"tract": ["id"], "patch": ["tract", "id", "cell_x", "cell_y"]}
        for element, columns in keys.items():
            rows = {}
            for row in butler.query_dimension_records(element, skymap=name, limit=None):
                assert row.skymap == name
                rows[tuple(getattr(row, column) for column in columns)] = row.region
            assert golden[element]
            for key, region in golden[element].items():
                assert_same_corners(rows[key], region)


@pytest.mark.parametrize("name", PLANS)
def test_what_is_compared_with_below_is_made_as_the_official_tool_does(name: str) -> None:
    golden = golden_map(name)
    tracts = replace(PLANS[name], centres=tuple(golden["centres"].values()))
    compared = 0
    for place, tract in enumerate(golden["centres"]):
        regions = dict(tracts.regions(place))
        kept = {key: region for key, region in golden["patch"].items() if key[0] == tract}
        for key, region in {(tract,): golden["tract"][tract,], **kept}.items():
            assert_same_corners(regions[key[1:]], region)
            compared += 1
    assert compared == len(golden["tract"]) + len(golden["patch"])


@pytest.fixture(scope="module")
def with_raws(empty_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a repository with the raws of four cameras; it is copied, and not written to."""
    folder = tmp_path_factory.mktemp("raws")
    repo = Path(shutil.copytree(empty_repository, folder / "repo"))
    register(repo, *CAMERAS)
    for name in CAMERAS:
        write_raws(folder / name, name=name)
        assert ingest(repo, folder / name, instrument=name, transfer="direct").changed
    return repo


Fill = Callable[..., Path]


@pytest.fixture(scope="module")
def fill(with_raws: Path, tmp_path_factory: pytest.TempPathFactory) -> Fill:
    """Define visits and register sky maps in a copy of the repository with raws."""

    def filled(padding: int = 250, maps: Mapping[str, Any] | None = None) -> Path:
        repo = Path(shutil.copytree(with_raws, tmp_path_factory.mktemp("filled") / "repo"))
        for name in CAMERAS:
            definition = find_built_in(name)
            assert definition is not None
            collections = [definition.default_raw_run]
            outcome = define(
                repo,
                instrument=name,
                collections=collections,
                grouping=GROUPINGS[name],
                padding=padding,
            )
            assert outcome.changed
        assert converge_here(sky_maps(**(maps or {})), repo).changed
        return repo

    return filled


Place = tuple[float, float]
Answers = Mapping[str, frozenset[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def ours(fill: Fill) -> Answers:
    """Give the answers of a repository that the collection has filled."""
    return answers(fill())


@pytest.fixture(scope="module")
def official(empty_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """Give those of a repository with the official visits, and sky maps made as the official tool does."""
    repo = Path(shutil.copytree(empty_repository, tmp_path_factory.mktemp("official") / "repo"))
    for name in CAMERAS:
        insert_visits(repo, name)
    for name, (tracts, _options) in SKY_MAPS.items():
        insert_sky_map(repo, name, tracts)
    return answers(repo)


# Each question, and how many answers there are at least: fewer where the reference isn't there, because then
# the official regions of some detectors only are known.
QUESTIONS = {
    "patches of visits": 600,
    "tracts of visits": 28,
    "patches of detectors": 600,
    "tracts of detectors": 200,
    "patches of one visit": 600,
    "patches of one detector": 300,
    "visits at a point": 20,
    "detectors at a point": 20,
    "patches at a point": 150,
    "visits in a circle": 20,
    "detectors in a circle": 20,
    "patches in a circle": 150,
    "visits in a trixel": 20,
    "detectors in a trixel": 50,
    "patches in a trixel": 500,
    "trixels of visits": 200,
    "trixels of detectors": 300,
    "trixels of patches": 3000,
    "trixels of tracts": 600,
}


def answers(repo: Path) -> Answers:
    """Ask a repository all questions.

    Answers have the camera or the sky map first, so that none may be missing. Of detectors only those
    are there of which the official region is known.
    """
    found: dict[str, set[tuple[Any, ...]]] = {question: set() for question in QUESTIONS}
    with Butler.from_config(repo) as butler, butler.query() as query:
        for question, answer in all_answers(query):
            found[question].add(answer)
    return {question: frozenset(answers) for question, answers in found.items()}


def all_answers(query: Query) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Give each question with each of its answers."""
    for camera in CAMERAS:
        known = known_detectors(camera)
        of_camera = query.where(instrument=camera)
        for name in SKY_MAPS:
            both = of_camera.where(skymap=name)
            for element in ("patch", "tract"):
                plural = "patches" if element == "patch" else "tracts"
                for data_id in both.data_ids(["visit", element]):
                    yield f"{plural} of visits", data_id.required_values
                for data_id in both.data_ids(["visit", "detector", element]):
                    if (data_id["visit"], data_id["detector"]) in known:
                        yield f"{plural} of detectors", data_id.required_values
            for visit, detectors in some_detectors(camera).items():
                of_visit = both.where(visit=visit)
                for record in of_visit.dimension_records("patch"):
                    yield "patches of one visit", (camera, visit, *record.dataId.required_values)
                for detector in detectors:
                    for record in of_visit.where(detector=detector).dimension_records("patch"):
                        answer = (camera, visit, detector, *record.dataId.required_values)
                        yield "patches of one detector", answer
        for data_id in of_camera.data_ids(["visit", "htm7"]):
            yield "trixels of visits", (camera, *data_id.required_values)
        for data_id in of_camera.data_ids(["visit", "detector", "htm7"]):
            if (data_id["visit"], data_id["detector"]) in known:
                yield "trixels of detectors", (camera, *data_id.required_values)
        for element, plural, columns in (
            ("visit", "visits", ["visit"]),
            ("visit_detector_region", "detectors", ["visit", "detector"]),
        ):
            for question, place, constrained in constraints(of_camera, element, edges(camera)):
                for data_id in constrained.data_ids(columns):
                    if element == "visit" or (data_id["visit"], data_id["detector"]) in known:
                        yield f"{plural} {question}", (*data_id.required_values, place)
    places = [*PLACES, *patch_edges()]
    for name in SKY_MAPS:
        of_map = query.where(skymap=name)
        for question, place, constrained in constraints(of_map, "patch", places):
            for data_id in constrained.data_ids(["patch"]):
                yield f"patches {question}", (*data_id.required_values, place)
        for element, plural in (("patch", "patches"), ("tract", "tracts")):
            for data_id in of_map.data_ids([element, "htm7"]):
                yield f"trixels of {plural}", (name, *data_id.required_values)


def some_detectors(camera: str) -> dict[int, list[int]]:
    """Give five detectors of each visit of a camera."""
    found: dict[int, list[int]] = {}
    for visit, detector in sorted(known_detectors(camera)):
        found.setdefault(visit, []).append(detector)
    return {visit: detectors[:: max(1, len(detectors) // 5)][:5] for visit, detectors in found.items()}


def constraints(query: Query, element: str, places: Iterable[Place]) -> Iterator[tuple[str, Place, Query]]:
    """Constrain a query to what is at places, or around them."""
    pixels = HtmPixelization(7)
    for place in places:
        vector = UnitVector3d(LonLat.fromDegrees(*place))
        yield "at a point", place, query.where(f"{element}.region OVERLAPS POINT({place[0]}, {place[1]})")
        circle = Circle(vector, Angle.fromDegrees(0.005))
        yield "in a circle", place, query.where(f"{element}.region OVERLAPS circle", bind={"circle": circle})
        yield "in a trixel", place, query.where(htm7=pixels.index(vector))


@cache
def edges(camera: str) -> tuple[Place, ...]:
    """Give places just inside a corner of each visit of a camera, and of one detector of it.

    They are outside if regions have no padding.
    """
    facts = kept_visits(camera)
    regions = {row["id"]: row["region"] for row in facts["visit"]}
    detectors = {visit: code for visit, _detector, code in facts["visit_detector_region"]}
    visits = [just_inside(polygon(code), 0.002) for code in regions.values()]
    return (*visits, *(just_inside(polygon(code), 0.02) for code in detectors.values()))


@cache
def patch_edges() -> tuple[Place, ...]:
    """Give places just inside a corner of one patch of each tract, which is not at the edge of the tract."""
    return tuple(
        just_inside(region, 0.005)
        for tracts, _options in SKY_MAPS.values()
        for tract in range(len(tracts.centres))
        for key, region in tracts.regions(tract)
        if key[1:] == (2, 2)
    )


def just_inside(region: ConvexPolygon, part: float) -> Place:
    """Give the place that lies a part of the way from a corner to the middle, in degrees."""
    place = LonLat(UnitVector3d(region.getVertices()[0] * (1 - part) + region.getCentroid() * part))
    return place.getLon().asDegrees(), place.getLat().asDegrees()


def test_the_questions_have_answers(official: Answers) -> None:
    """Otherwise they would be the same whatever the repository holds."""
    for question, least in QUESTIONS.items():
        assert len(official[question]) >= least, question
        assert {answer[0] for answer in official[question]} in (set(SKY_MAPS), set(CAMERAS)), question


@pytest.mark.parametrize("question", QUESTIONS)
def test_both_give_the_same_answer(question: str, ours: Answers, official: Answers) -> None:
    assert ours[question] == official[question]


NO_BORDERS = {"fields": {"patch_border": 0}, "cell_fields": {"num_cells_in_patch_border": 0}}
TURNED = {"fields": {"rotation": 3.0}, "cell_fields": {"rotation": 3.0}}
# Repositories that are wrong, and the questions that have another answer there at least.
WRONG: list[tuple[dict[str, Any], set[str]]] = [
    # Two arcseconds less on each side.
    ({"padding": 240}, {"patches of detectors", "trixels of detectors"}),
    (
        {"padding": 0},
        {
            "patches of visits",
            "patches of one visit",
            "patches of detectors",
            "patches of one detector",
            "tracts of visits",
            "tracts of detectors",
            "visits at a point",
            "visits in a circle",
            "detectors at a point",
            "detectors in a circle",
        },
    ),
    (
        {"padding": 1500},
        {"visits in a trixel", "detectors in a trixel", "trixels of visits", "trixels of detectors"},
    ),
    (
        {"maps": NO_BORDERS},
        {
            "patches of visits",
            "patches of detectors",
            "patches at a point",
            "patches in a circle",
            "patches in a trixel",
            "trixels of patches",
        },
    ),
    (
        {"maps": TURNED},
        {"patches of visits", "tracts of detectors", "trixels of patches", "trixels of tracts"},
    ),
]


@pytest.mark.parametrize(("wrong", "noticed"), WRONG)
def test_what_is_wrong_is_noticed(
    wrong: dict[str, Any], noticed: set[str], fill: Fill, official: Answers
) -> None:
    found = answers(fill(**wrong))
    assert {question for question in noticed if found[question] == official[question]} == set()


def test_each_question_notices_something() -> None:
    assert set().union(*(noticed for _wrong, noticed in WRONG)) == set(QUESTIONS)
