# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The export files of the ccms1 sample: what RTN-103 names is in them, and the official import takes them."""

from __future__ import annotations

import hashlib
import sys
import types
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.translate import HeaderReader
from ansible_collections.rubin.butler.plugins.module_utils._instruments.lsst_cameras import LSSTCOMCAM
from astro_metadata_translator.file_helpers import read_basic_metadata_from_file
from click.testing import CliRunner
from lsst.daf.butler import (
    Butler,
    CollectionType,
    Config,
    DimensionUniverse,
    FormatterV2,
    Timespan,
    script,
)
from lsst.daf.butler.cli.butler import cli
from lsst.daf.butler.datastore.file_templates import FileTemplate

from tools.sample_ccms1.campaign import GOOD_RAWS
from tools.sample_ccms1.sample import all_exports
from tools.sample_ccms1.solar_system import TAGGED

DATASTORE = "resource://lsst.daf.butler/configs/datastores/fileDatastore.yaml"
RTN103 = Path(__file__).resolve().parents[1] / "data" / "rtn103"

# What the technote makes with commands of their own; everything else in its tree comes from export files.
COMMANDED = {
    "LSSTComCam/DP1/defaults",
    "LSSTComCam/raw/DP1-RC3/DM-49594",
    "LSSTComCam/calib",
    "LSSTComCam/calib/fgcmcal",
    "LSSTComCam/calib/DM-49977/DP1.0/preloaded_SsObjects.20250409",
    "pretrained_models",
    "refcats",
    "refcats/DM-46370/the_monster_20240904",
    "refcats/DM-49042/the_monster_20250219",
    "skymaps",
}
BY_DETECTOR = ["instrument", "detector"]
BY_FILTER = ["band", "instrument", "detector", "physical_filter"]
# The dataset types of DP1 as the USDF registered them, and what the technote registers and prints.
DATASET_TYPES = {
    "bfk": (BY_DETECTOR, "BrighterFatterKernel", True),
    "bias": (BY_DETECTOR, "ExposureF", True),
    "camera": (["instrument"], "Camera", True),
    "crosstalk": (BY_DETECTOR, "CrosstalkCalib", True),
    "cti": (BY_DETECTOR, "IsrCalib", True),
    "dark": (BY_DETECTOR, "ExposureF", True),
    "defects": (BY_DETECTOR, "Defects", True),
    "fgcmLookUpTable": (["instrument"], "Catalog", False),
    "flat": (BY_FILTER, "ExposureF", True),
    "illuminationCorrection": (BY_FILTER, "ExposureF", True),
    "linearizer": (BY_DETECTOR, "Linearizer", True),
    "preloaded_DRP_SsObjects": (
        ["band", "instrument", "day_obs", "detector", "physical_filter", "visit"],
        "DataFrame",
        False,
    ),
    "pretrainedModelPackage": ([], "NNModelPackagePayload", False),
    "ptc": (BY_DETECTOR, "PhotonTransferCurveDataset", True),
}
FORMATTERS = {
    "lsst.obs.base.formatters.fitsExposure": "FitsExposureFormatter",
    "lsst.obs.base.formatters.fitsGeneric": "FitsGenericFormatter",
    "lsst.meas.transiNet.modelPackages.formatters": "NNModelPackageFormatter",
}
CHAINS = {
    "LSSTComCam/calib": [
        *(
            f"LSSTComCam/calib/DM-{ticket}"
            for ticket in (48955, 48520, 47365, 47741, 47547, 47499, 47447, 47197, 46360, 47498, 48650)
        ),
        "LSSTComCam/calib/DM-48650/unbounded",
    ],
    "refcats": ["refcats/DM-46370/the_monster_20240904", "refcats/DM-49042/the_monster_20250219"],
    "pretrained_models": ["pretrained_models/tac_cnn_comcam_2025-02-18"],
    "LSSTComCam/calib/fgcmcal": ["LSSTComCam/calib/fgcmcal/DM-48089"],
    "LSSTComCam/DP1/defaults": [
        "LSSTComCam/raw/DP1-RC3/DM-49594",
        "LSSTComCam/calib",
        "refcats",
        "skymaps",
        "pretrained_models",
        "LSSTComCam/calib/fgcmcal",
        "LSSTComCam/calib/DM-49977/DP1.0/preloaded_SsObjects.20250409",
    ],
}


def tree() -> list[tuple[int, str, str]]:
    """Give depth, name and type of each line of the technote's tree."""
    lines = (RTN103 / "tree.txt").read_text().splitlines()[2:]
    return [((len(line) - len(line.lstrip())) // 2, *line.split()) for line in lines]


@pytest.fixture(scope="module")
def exports(data: Path) -> dict[str, dict[str, Any]]:
    """Read every export file, by its path."""
    paths = sorted((data / "ancillary").rglob("*export.yaml"))
    return {str(path.relative_to(data)): yaml.safe_load(path.read_text()) for path in paths}


@pytest.fixture(scope="module")
def sections(exports: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [section for export in exports.values() for section in export["data"]]


def of_type(sections: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [section for section in sections if section["type"] == name]


def test_exports_are_where_the_campaign_looks(exports: dict[str, dict[str, Any]]) -> None:
    tickets = [
        name for depth, name, _unused in tree() if depth == 2 and "/DM-4" in name and "calib/DM" in name
    ]
    named = {f"ancillary/{name}/export.yaml" for name in tickets if not name.endswith("unbounded")}
    assert len(named) == 11
    assert set(exports) == named | {
        "ancillary/pretrained-models-export.yaml",
        "ancillary/DM-48089-fgcmLookupTable-export.yaml",
        "ancillary/DM-49977/export.yaml",
    }
    for export in exports.values():
        head = {key: value for key, value in export.items() if key != "data"}
        assert head == {
            "description": "Butler Data Repository Export",
            "version": "1.0.2",
            "universe_version": 7,
            "universe_namespace": "daf_butler",
        }


@pytest.mark.parametrize("name", ["pretrained-models-export.yaml", "DM-48089-fgcmLookupTable-export.yaml"])
def test_printed_exports_are_as_printed(name: str, data: Path) -> None:
    assert (data / "ancillary" / name).read_text() == (RTN103 / f"{name}.txt").read_text()


def test_every_collection_of_the_tree_is_brought(sections: list[dict[str, Any]]) -> None:
    brought = {each["name"]: each["collection_type"] for each in of_type(sections, "collection")}
    wanted = {name: kind for _unused, name, kind in tree() if name not in COMMANDED}
    assert len(wanted) == 59 - len(COMMANDED)
    assert {name: brought.get(name) for name in wanted} == wanted
    # The rest are the runs that made what the tree holds.
    assert {kind for name, kind in brought.items() if name not in wanted} == {"RUN"}


def test_ticket_chains_are_in_the_order_of_the_tree(sections: list[dict[str, Any]]) -> None:
    chains: dict[str, list[str]] = {}
    for depth, name, kind in tree():
        if depth == 2 and kind == "CHAINED":
            chains[name] = []
        elif depth == 3:
            chains[next(reversed(chains))].append(name)
    found = {s["name"]: s["children"] for s in of_type(sections, "collection") if "children" in s}
    assert found == chains and len(chains) == 10


def test_dataset_types_are_the_real_ones(sections: list[dict[str, Any]]) -> None:
    for each in of_type(sections, "dataset_type"):
        definition = (each["dimensions"], each["storage_class"], each["is_calibration"])
        assert definition == DATASET_TYPES[each["name"]], each["name"]
    assert {each["name"] for each in of_type(sections, "dataset_type")} == set(DATASET_TYPES)


def test_every_artifact_is_there_once(data: Path, sections: list[dict[str, Any]]) -> None:
    records = [record for section in of_type(sections, "dataset") for record in section["records"]]
    paths = [data / "ancillary" / record["path"] for record in records]
    assert len({*paths}) == len(records) == len({record["dataset_id"][0] for record in records})
    assert len({hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}) == len(paths)
    present = {path for path in (data / "ancillary").rglob("*") if path.is_file() and path.suffix != ".yaml"}
    assert present == {*paths}


def test_collections_hold_what_their_names_say(sections: list[dict[str, Any]]) -> None:
    held = {
        record["dataset_id"][0]: (section["dataset_type"], record["data_id"][0])
        for section in of_type(sections, "dataset")
        for record in section["records"]
    }
    filters = {"u": "u_02", "g": "g_01", "r": "r_03", "i": "i_06", "z": "z_03", "y": "y_04"}
    seen = 0
    for section in of_type(sections, "associations"):
        if section["collection"].endswith("DM-48650"):
            continue
        kind, _unused, band = section["collection"].rsplit("/", 1)[1].partition(".")[0].partition("-")
        for validity in section["validity_ranges"]:
            members = [held[dataset_id] for dataset_id in validity["dataset_ids"]]
            names = [*filters.values()] if band == "all" or kind.startswith("illum") else [filters.get(band)]
            expected = Counter((detector, name) for detector in range(9) for name in names)
            assert {member for member, _unused in members} == {kind}
            found = Counter(
                (data_id["detector"], data_id.get("physical_filter")) for _unused, data_id in members
            )
            assert found == expected
            assert isinstance(validity["timespan"], Timespan) and not validity["timespan"].isEmpty()
        seen += 1
    assert seen == sum(depth == 3 for depth, _unused, _unused in tree()) == 35


def test_raws_and_exports_tell_the_same_of_an_exposure(data: Path, sections: list[dict[str, Any]]) -> None:
    universe = DimensionUniverse()
    reader = HeaderReader(LSSTCOMCAM)
    read: dict[str, list[Any]] = {"day_obs": [], "group": [], "exposure": []}
    for folder in sorted((data / "raw" / "LSSTComCam").glob("*/*")):
        file = folder / f"{folder.name}_R22_S12.fits"
        info = reader.describe(read_basic_metadata_from_file(str(file), 0), str(file))
        for element, record in info.records().items():
            read[element].append(universe[element].RecordClass(**record))
    for element, records in read.items():
        (brought,) = [each["records"] for each in sections if each.get("element") == element]
        assert brought and all(universe[element].RecordClass(**each) in records for each in brought)


@pytest.fixture
def formatters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the official import find classes of the formatters' names."""
    for name, formatter in FORMATTERS.items():
        parents = name.split(".")
        for depth in range(2, len(parents) + 1):
            dotted = ".".join(parents[:depth])
            monkeypatch.setitem(sys.modules, dotted, types.ModuleType(dotted))
        stand_in = type(formatter, (FormatterV2,), {"__module__": name})
        setattr(sys.modules[name], formatter, stand_in)


@pytest.fixture
def repository(data: Path, tmp_path: Path, formatters: None) -> Iterator[Butler]:
    """Do what RTN-103 does, with the official tools, as far as they go without the Science Pipelines."""
    root = str(tmp_path / "repo")
    butler = Butler.from_config(Butler.makeRepo(root), writeable=True)
    for export in all_exports():
        butler.import_(directory=data / "ancillary", filename=data / export.path, transfer="direct")
    for name, ticket in (("the_monster_20240904", "DM-46370"), ("the_monster_20250219", "DM-49042")):
        script.register_dataset_type(root, name, "SimpleCatalog", ("htm7",), is_calibration=False)
        folder = data / "raw" / "refcats" / name
        script.ingest_files(
            root, name, f"refcats/{ticket}/{name}", f"{folder}.ecsv", prefix=f"{folder}/", transfer="direct"
        )
    butler = Butler.from_config(root, writeable=True)
    butler.collections.register("skymaps")
    butler.collections.register(GOOD_RAWS, CollectionType.TAGGED)
    butler.collections.register(TAGGED, CollectionType.TAGGED)
    ephemerides = "preloaded_DRP_SsObjects"
    butler.registry.associate(
        TAGGED,
        butler.registry.queryDatasets(
            ephemerides, collections="u/jkurla/dp1_ephem_2*", instrument="LSSTComCam"
        ),
    )
    for name, children in CHAINS.items():
        butler.collections.register(name, CollectionType.CHAINED)
        butler.collections.redefine_chain(name, children)
    yield butler
    butler.close()


def test_official_import_builds_the_tree(
    repository: Butler, manifest: dict[str, Any], tmp_path: Path
) -> None:
    line = ["query-collections", "--chains=tree", str(tmp_path / "repo"), "LSSTComCam/DP1/defaults"]
    shown = CliRunner().invoke(cli, line)
    assert shown.exit_code == 0, shown.output
    printed = [text.rstrip() for text in shown.output.splitlines() if text.strip()]
    # The width of the columns is of no account.
    wanted = [text.split() for text in (RTN103 / "tree.txt").read_text().splitlines()]
    assert [text.split() for text in printed][2:] == wanted[2:]
    indents = [(len(text) - len(text.lstrip())) // 2 for text in printed[2:]]
    assert indents == [depth for depth, _unused, _unused in tree()]
    check_datasets(repository, manifest)
    check_paths(repository)
    check_visits(repository, manifest)


def check_datasets(butler: Butler, manifest: dict[str, Any]) -> None:
    """Hold the numbers of the manifest against the repository, but for the raws."""
    expected = {name: n for name, n in manifest["datasets"].items() if "raw" not in n}
    assert sum(sum(n.values()) for name, n in expected.items() if "raw" not in n) > 1000
    found: dict[str, Counter[str]] = {}
    for dataset_type in butler.registry.queryDatasetTypes():
        for each in butler.registry.queryDatasetAssociations(dataset_type, flattenChains=False):
            members = found.setdefault(each.collection, Counter())
            members[dataset_type.name] += 1
    twice = "LSSTComCam/calib/DM-47498/fallbackFlats/flat-all.20241112a"
    assert found[twice]["flat"] == 2 * expected[twice]["flat"], "certified for two ranges"
    found[twice]["flat"] //= 2
    assert {name: dict(n) for name, n in found.items()} == expected


def check_paths(butler: Butler) -> None:
    """Hold the paths of the artifacts against the default file template."""
    template = FileTemplate(Config(DATASTORE)["datastore", "templates", "default"])
    brought = {each.id: each.path for export in all_exports() for each in export.datasets}
    seen = set()
    for name in DATASET_TYPES:
        for ref in butler.query_datasets(
            name, collections="*", find_first=False, with_dimension_records=True
        ):
            assert str(Path(brought[ref.id]).with_suffix("")) == template.format(ref)
            seen.add(ref.id)
    assert seen == set(brought)


def check_visits(butler: Butler, manifest: dict[str, Any]) -> None:
    """Hold the records that came with the solar system objects against each other."""
    visits = {each.id: each for each in butler.query_dimension_records("visit")}
    exposures = {each.id: each for each in butler.query_dimension_records("exposure")}
    assert sorted(visits) == sorted(exposures) == manifest["good_visits"]
    days = {each.id: each for each in butler.query_dimension_records("day_obs")}
    for number, visit in visits.items():
        exposure = exposures[number]
        assert visit.timespan == exposure.timespan
        assert days[visit.day_obs].timespan.contains(visit.timespan)
        assert (visit.name, visit.azimuth) == (exposure.obs_id, exposure.azimuth)
    regions = butler.query_dimension_records("visit_detector_region")
    assert len(regions) == 9 * len(visits)
    for each in regions:
        assert visits[each.visit].region.contains(each.region.getCentroid())
