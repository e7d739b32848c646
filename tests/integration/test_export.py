# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_export: what it writes is what the official tool writes and reads, and it writes it once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from lsst.daf.butler import Butler, CollectionType, DatasetRef, DatasetType, FileDataset, Timespan
from lsst.daf.butler.formatters.yaml import YamlFormatter

from tests.integration.ansible_play import cycle, run
from tests.integration.canonical import difference, dump
from tests.integration.documented import run_examples
from tests.integration.exporting import butler_command, calibrations, content_of, export_here
from tests.integration.exports import (
    CALIB,
    CALIBRATIONS,
    CHAIN,
    RUNS,
    TAG,
    declare,
    import_here,
    official_import,
    write_case,
)
from tests.integration.modules_here import module_here
from tests.integration.postgres import Database, Server
from tests.integration.whole_campaign import RAWS, campaign, write_sources

ALL = ("visits", "detectors of visits", "exposures", "patches", "nothing", "raw")
DIMENSIONS = {
    "visits": ("instrument", "visit"),
    "detectors of visits": ("instrument", "visit", "detector"),
    "exposures": ("instrument", "exposure", "detector"),
    "patches": ("skymap", "tract", "patch", "band"),
    "nothing": (),
}
NAMES = {name: name.replace(" ", "_") for name in ALL}
RUN = "naïve run/raw"


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a repository that nobody writes to, with calibrations that the official tool has imported."""
    root = tmp_path_factory.mktemp("imported")
    file = write_case(CALIBRATIONS, root / "site")
    Butler.makeRepo(root / "repo")
    official_import(root / "repo", file, "copy")
    return root / "repo"


@pytest.fixture
def origin(imported: Path, tmp_path: Path) -> Path:
    """Give a copy of it."""
    return Path(shutil.copytree(imported, tmp_path / "origin"))


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a repository with datasets of all kinds of dimensions."""
    root = tmp_path_factory.mktemp("survey")
    write_sources(root / "source")
    for module, arguments in campaign(root / "repo", root / "source", {}):
        assert not module_here(module, arguments).failed
    with Butler.from_config(root / "repo", writeable=True) as butler:
        butler.collections.register(RUN)
        for name, dimensions in DIMENSIONS.items():
            kind = DatasetType(NAMES[name], dimensions, "StructuredDataDict", universe=butler.dimensions)
            butler.registry.registerDatasetType(kind)
            for data_id in _some_data_ids(butler, name):
                butler.put({"is": name}, NAMES[name], data_id, run=RUN)
    return root / "repo"


def _some_data_ids(butler: Butler, name: str) -> Iterator[dict[str, Any]]:
    """Give three data IDs."""
    if name == "nothing":
        yield {}
        return
    elements = {"visits": "visit", "detectors of visits": "visit_detector_region", "patches": "patch"}
    found = butler.query_dimension_records(elements.get(name, "exposure"), explain=False)
    more = {"patches": {"band": "r"}, "exposures": {"detector": 3}}.get(name, {})
    for record in sorted(found, key=lambda record: record.dataId.required_values)[:3]:
        yield {**record.dataId.required, **more}


@pytest.fixture
def other(empty_repository: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(empty_repository, tmp_path / "other"))


def test_the_official_tool_and_ours_make_the_same_repository_of_it(
    origin: Path, other: Path, repo: Path, tmp_path: Path
) -> None:
    file = tmp_path / "export.yaml"
    export_here(origin, calibrations(file))
    butler_command("import", str(other), str(origin), "--export-file", str(file), "--transfer", "copy")
    assert difference(dump(origin), dump(other)) == []
    import_here(repo, declare(file, directory=str(origin), transfer="copy"))
    assert difference(dump(origin), dump(repo)) == []
    assert not import_here(other, declare(file, directory=str(origin), transfer="copy")).changed


@pytest.mark.parametrize(
    ("names", "transfer"),
    [(ALL[:1], None), (ALL[1:2], "direct"), (ALL[:2], None), (ALL[2:3], None), (ALL, None), (ALL, "direct")],
)
def test_it_holds_what_the_official_export_holds(
    survey: Path, names: tuple[str, ...], transfer: str | None, tmp_path: Path
) -> None:
    kinds, collections = [NAMES[name] for name in names], [RUN, RAWS]
    with (
        Butler.from_config(survey) as butler,
        butler.export(directory=str(tmp_path), filename="official.yaml", transfer=transfer) as export,
    ):
        refs = [
            ref
            for kind in kinds
            for ref in butler.query_datasets(kind, collections, find_first=False, explain=False)
        ]
        export.saveDatasets(refs)
        for collection in collections:
            export.saveCollection(collection)
    one = {"file": str(tmp_path / "ours.yaml"), "dataset_type": kinds, "collections": collections}
    ours = export_here(survey, {**one, "transfer": transfer or "none"})
    assert content_of(*ours.files) == content_of(tmp_path / "official.yaml")


def test_several_files_make_the_repository_that_one_makes(
    survey: Path, repo: Path, other: Path, tmp_path: Path
) -> None:
    one = {"dataset_type": [*NAMES.values()], "collections": ["*"]}
    whole = export_here(survey, {**one, "file": str(tmp_path / "whole.yaml")})
    cut = export_here(survey, {**one, "file": str(tmp_path / "cut.yaml"), "max_datasets": 5})
    assert len(cut.files) == 7 and cut.exports[0]["datasets"] == whole.exports[0]["datasets"]
    for file in cut.files:
        official_import(other, file, "copy", survey)
    official_import(repo, whole.files[0], "copy", survey)
    assert difference(dump(repo), dump(other)) == []
    assert content_of(*cut.files) == content_of(*whole.files)


def test_each_of_several_files_can_be_imported_alone(
    survey: Path, empty_repository: Path, tmp_path: Path
) -> None:
    one = {"dataset_type": [*NAMES.values()], "collections": [RUN, RAWS]}
    cut = export_here(survey, {**one, "file": str(tmp_path / "cut.yaml"), "max_datasets": 6})
    for number, file in enumerate(cut.files):
        alone = Path(shutil.copytree(empty_repository, tmp_path / f"alone{number}"))
        official_import(alone, file, "copy", survey)
        with Butler.from_config(alone) as butler:
            found = butler.query_all_datasets("*", find_first=False)
        assert len(found) == min(6, 35 - 6 * number)


def test_check_and_run_agree_through_ansible(origin: Path, tmp_path: Path) -> None:
    done = cycle("butler_export", {"repo": str(origin), "exports": [calibrations(tmp_path / "export.yaml")]})
    done.assert_converges()
    text = (tmp_path / "export.yaml").read_bytes()
    (tmp_path / "export.yaml").unlink()
    export_here(origin, calibrations(tmp_path / "export.yaml"))
    assert (tmp_path / "export.yaml").read_bytes() == text
    assert done.run["stats"]["added"] == 1
    assert done.run["exports"][0]["datasets"] == {"bias": 3, "flat": 6}
    assert len(done.run["diff"]["after"].splitlines()) == 12


def test_a_changed_repository_is_exactly_what_the_diff_shows(origin: Path, tmp_path: Path) -> None:
    one = calibrations(tmp_path / "export.yaml")
    export_here(origin, one)
    with Butler.from_config(origin, writeable=True) as butler:
        butler.registry.setCollectionDocumentation(CHAIN, "all of them")
        (bias,) = butler.query_datasets("bias", RUNS[0], where="instrument = 'Cam' AND detector = 0")
        butler.registry.associate(TAG, [bias])
        butler.registry.decertify(CALIB, "bias", Timespan(None, None), dataIds=[bias.dataId])
        butler.registry.certify(CALIB, [bias], Timespan.from_day_obs(20250105, 0))
        butler.registry.insertDimensionData(
            "detector", {"instrument": "Cam", "id": 7, "full_name": "D7", "raft": "R"}
        )
        butler.put({"new": 7}, "bias", instrument="Cam", detector=7, run=RUNS[0])
    done = export_here(origin, one, check=True)
    contents = done.contents()
    assert {
        name: (before["entries"], after["entries"], before.get("digest") != after.get("digest"))
        for name, (before, after) in contents.items()
    } == {
        f"associations of {CALIB} in": (9, 9, True),
        f"associations of {TAG} in": (2, 3, False),
        "CHAINED collections in": (1, 1, True),
        "bias in": (3, 4, False),
        "detector records in": (3, 4, False),
    }
    assert done.outcome.stats["replaced"] == 1
    ran = export_here(origin, one)
    assert ran.outcome.changes == done.outcome.changes and ran.outcome.stats == done.outcome.stats
    assert not export_here(origin, one).outcome.changed


def test_an_expression_restricts_the_datasets(origin: Path, tmp_path: Path) -> None:
    one = calibrations(tmp_path / "export.yaml", where="instrument = 'Cam' AND detector IN (some)")
    some = export_here(origin, {**one, "bind": {"some": [1, 2]}})
    assert some.exports[0]["datasets"] == {"bias": 2, "flat": 4}
    content = content_of(*some.files)
    assert len(content["detector records"]) == 2 and len(content[CALIB]) == 6
    with pytest.raises(ButlerError, match=r"exports\[0\].where: the datasets of type bias can't be selected"):
        export_here(origin, {**one, "where": "detector is what"})


def test_chains_and_records_are_left_out_when_asked(origin: Path, tmp_path: Path) -> None:
    one = calibrations(
        tmp_path / "export.yaml", export_chains=False, skip_dimensions=["instrument", "detector"]
    )
    content = content_of(*export_here(origin, one).files)
    assert not any("CHAINED" in entry for entry in content["collection"]) and len(content["collection"]) == 4
    assert [name for name in content if name.endswith(" records")] == ["physical_filter records"]
    with pytest.raises(
        ButlerError, match=r"exports\[0\].skip_dimensions: there is no dimension element detecter"
    ):
        export_here(origin, {**one, "skip_dimensions": ["detecter"]})


def test_a_file_with_several_datasets_stays_one(origin: Path, other: Path, tmp_path: Path) -> None:
    (tmp_path / "both.yaml").write_text("both: 1\n")
    with Butler.from_config(origin, writeable=True) as butler:
        kind = butler.get_dataset_type("bias")
        butler.collections.register("u/both")
        refs = [
            DatasetRef(kind, butler.registry.expandDataId(instrument="Cam", detector=number), run="u/both")
            for number in (0, 1)
        ]
        butler.ingest(
            FileDataset(str(tmp_path / "both.yaml"), refs, formatter=YamlFormatter), transfer="copy"
        )
    one = {"file": str(tmp_path / "export.yaml"), "dataset_type": ["*"], "collections": ["u/both"]}
    file = export_here(origin, one).files[0]
    official_import(other, file, "copy", origin)
    with Butler.from_config(other) as butler:
        found = butler.query_datasets("bias", "u/both")
        uris = {uris.primaryURI for uris in butler.get_many_uris(found).values()}
        assert len(found) == 2 and len(uris) == 1
    import_here(other, declare(file, directory=str(origin), transfer="copy"))


def test_what_is_not_there_is_told(origin: Path, tmp_path: Path) -> None:
    one = calibrations(
        tmp_path / "export.yaml", dataset_type=["bias", "dark", "z*"], with_collections=["no/*"]
    )
    names = (
        "exports[0].dataset_type: dataset type dark does not exist",
        "exports[0].dataset_type: dataset type matching z* does not exist",
        "exports[0].with_collections: collection matching no/* does not exist",
    )
    check = export_here(origin, one, check=True)
    assert check.outcome.changes[0].unresolved and check.outcome.assumes == list(names)
    with pytest.raises(ButlerError) as caught:
        export_here(origin, one)
    assert all(name in str(caught.value) for name in names) and not (tmp_path / "export.yaml").exists()
    skipped = export_here(origin, one, on_missing="skip")
    assert len(skipped.outcome.notices) == 3 and skipped.exports[0]["datasets"] == {"bias": 3}
    gone = tmp_path / "none"
    absent = run(
        "butler_export",
        {"repo": str(gone), "exports": [{**one, "file": str(gone / "a.yaml")}]},
        check_mode=True,
    )
    assert not absent.failed and f"repo: repository {gone} does not exist" in absent["assumes"]
    assert f"exports[0].file: directory {gone} does not exist" in absent["assumes"]


def test_datasets_without_an_artifact_are_told(origin: Path, tmp_path: Path) -> None:
    with Butler.from_config(origin, writeable=True) as butler:
        lost = butler.query_datasets("bias", RUNS[0], where="instrument = 'Cam' AND detector > 0")
        butler.pruneDatasets(lost, disassociate=False, unstore=True, purge=False)
    one = calibrations(tmp_path / "export.yaml")
    with pytest.raises(ButlerError, match="artifact of 2 datasets of type bias, which are only registered"):
        export_here(origin, one)
    done = export_here(origin, one, on_missing="skip")
    assert done.exports[0]["missing_datasets"] == {"bias": 2} and done.outcome.stats["skipped"] == 2
    assert len(content_of(*done.files)[CALIB]) == 7


def test_several_exports_share_a_task(origin: Path, other: Path, tmp_path: Path) -> None:
    ones = [
        calibrations(tmp_path / f"{kind}.yaml", dataset_type=[kind], transfer="direct")
        for kind in ("bias", "flat")
    ]
    done = export_here(origin, *ones)
    assert [each["datasets"] for each in done.exports] == [{"bias": 3}, {"flat": 6}]
    imports = [{"file": one["file"]} for one in ones]
    import_here(other, {"imports": imports, "transfer": "copy", "on_conflict": "fail"})
    assert difference(dump(origin), dump(other)) == []


def test_a_reader_exports_from_postgresql(
    postgres: Server,
    database: Database,
    origin: Path,
    repo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logins = postgres.new_logins(database, "ccms1")
    file, far = tmp_path / "export.yaml", tmp_path / "far"
    export_here(origin, calibrations(file, transfer="direct"))
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials(logins.writers[0]))
    seed = {"registry": {"db": database.url, "namespace": "ccms1"}}
    assert not module_here("butler_repo", {"repo": str(far), "seed_config": seed}).failed
    import_here(far, declare(file, transfer="copy"))
    monkeypatch.setenv("LSST_DB_AUTH_CREDENTIALS", database.credentials(logins.reader))
    there = tmp_path / "there.yaml"
    for changed in (True, False):
        arguments = {"repo": str(far), "exports": [calibrations(there)]}
        check, done = (module_here("butler_export", arguments, check_mode=each) for each in (True, False))
        assert not done.failed and done.changed == check.changed == changed, done.message
        assert done["changes"] == check["changes"]
    export_here(origin, calibrations(file))
    assert there.read_bytes() == file.read_bytes(), "the registry makes no difference"
    official_import(repo, there, "copy", far)
    assert difference(dump(origin), dump(repo)) == []


def test_the_examples_run(survey: Path, tmp_path: Path) -> None:
    with Butler.from_config(survey, writeable=True) as butler:
        if not butler.collections.query("2.2i/*"):
            for name, kind in (("calexpBackground", "visits"), ("deepCoadd", "patches")):
                dataset_type = DatasetType(
                    name, DIMENSIONS[kind], "StructuredDataDict", universe=butler.dimensions
                )
                butler.registry.registerDatasetType(dataset_type)
            butler.collections.register("2.2i/runs/DP0.2")
            for data_id in _some_data_ids(butler, "patches"):
                butler.put({"is": "a coadd"}, "deepCoadd", data_id, run="2.2i/runs/DP0.2")
            for data_id in _some_data_ids(butler, "visits"):
                butler.put({"is": "a background"}, "calexpBackground", data_id, run="2.2i/runs/DP0.2")
            butler.collections.register("2.2i/good", CollectionType.TAGGED)
    places = {
        "/data/butler/ccms1": str(tmp_path / "ccms1"),
        "/data/butler/dc2": str(survey),
        "/data/butler/copy": str(tmp_path / "copy"),
        "/data/exports/LSSTComCam.calibs": str(tmp_path / "calibs"),
        "/data/backup": str(tmp_path / "backup"),
        "LSSTComCam/calib": CHAIN,
        "LSSTCam-imSim": "LSSTComCam",
    }
    for name in ("calibs", "backup"):
        (tmp_path / name).mkdir()
    for name in ("ccms1", "copy"):
        Butler.makeRepo(tmp_path / name)
    official_import(tmp_path / "ccms1", write_case(CALIBRATIONS, tmp_path / "site"), "copy")
    results = run_examples("butler_export", places)
    assert [result.changed for result in results] == [True, True, True]
    assert (tmp_path / "backup/dc2_export_000.yaml").stat().st_mode & 0o777 == 0o640
    made, official = (content_of(tmp_path / name / "export.yaml") for name in ("calibs", "site"))
    assert {name: made[name] for name in made if name != "collection"} == {
        name: official[name] for name in official if name not in ("collection", TAG)
    }
