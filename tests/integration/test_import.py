# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_import: what it makes is what the official import makes, and it makes it once."""

from __future__ import annotations

from pathlib import Path

import lsst.daf.butler.tests.registry_data
import pytest
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from lsst.daf.butler import Butler

from tests.integration.ansible_play import cycle, run
from tests.integration.canonical import difference, dump
from tests.integration.documented import run_examples
from tests.integration.exports import (
    CALIBRATIONS,
    CHAIN,
    PUBLISHED,
    declare,
    import_here,
    make_instrument,
    official_import,
    paths_in,
    rewrite,
    sections_of,
    write_case,
)

CASES = [*PUBLISHED, CALIBRATIONS]


@pytest.fixture
def other(tmp_path: Path) -> Path:
    root = tmp_path / "other"
    Butler.makeRepo(root)
    return root


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("transfer", ["copy", "direct"])
def test_an_import_makes_what_the_official_one_makes(
    case: str, transfer: str, repo: Path, other: Path, tmp_path: Path
) -> None:
    file = write_case(case, tmp_path / "site")
    official_import(other, file, transfer)
    outcome = import_here(repo, declare(file, transfer=transfer))
    assert outcome.changed and not outcome.failures
    assert difference(dump(other), dump(repo)) == []
    before = dump(repo)
    again = import_here(repo, declare(file, transfer=transfer))
    assert not again.changed and dump(repo) == before
    assert again.stats["present"] == outcome.stats["added"]


@pytest.mark.parametrize("case", CASES)
def test_what_the_official_tool_imported_is_present(case: str, repo: Path, tmp_path: Path) -> None:
    file = write_case(case, tmp_path / "site")
    official_import(repo, file, "copy")
    before = dump(repo)
    outcome = import_here(repo, declare(file, transfer="copy"))
    assert not outcome.changed and outcome.changes == [] and dump(repo) == before


@pytest.mark.parametrize("names", ["hsc-rc2-subset-v0", "lsstcam-subset", "base spatial"])
def test_records_of_any_universe_are_read_as_the_official_tool_reads_them(
    names: str, repo: Path, other: Path
) -> None:
    files = [Path(lsst.daf.butler.tests.registry_data.__path__[0]) / f"{each}.yaml" for each in names.split()]
    for file in files:
        official_import(other, file, "copy")
    params = {"imports": [{"file": str(file)} for file in files]}
    import_here(repo, params)
    assert difference(dump(other), dump(repo)) == []
    assert not import_here(repo, params).changed


def test_storage_classes_can_be_left_out(repo: Path, tmp_path: Path) -> None:
    file = write_case(CALIBRATIONS, tmp_path / "site")
    wanted = declare(file, transfer="direct", exclude_storage_classes=["StructuredDataDict"])
    planned = import_here(repo, wanted, check=True)
    outcome = import_here(repo, wanted)
    assert planned.changes == outcome.changes
    assert {change.kind for change in outcome.changes} >= {"collection", "instrument", "chain"}
    assert not import_here(repo, wanted).changed
    # Both dataset types of the case are of this class. Asked for in a second run, they are all that it adds.
    rest = import_here(repo, declare(file, transfer="direct"))
    assert {change.kind for change in rest.changes} == {"dataset type", "datasets", "certifications"}


def test_records_that_refer_to_nothing_are_found_before_anything_is_written(repo: Path) -> None:
    file = Path(lsst.daf.butler.tests.registry_data.__path__[0]) / "spatial.yaml"
    before = dump(repo)
    with pytest.raises(ButlerError) as caught:
        import_here(repo, declare(file))
    assert "imports[0].file: instrument Cam1 does not exist" in str(caught.value)
    assert "imports[0].file: physical_filter Cam1 Cam1-G does not exist" in str(caught.value)
    assert {**dump(repo), "opaque_meta": []} == {**before, "opaque_meta": []}


def test_check_and_run_agree_through_ansible(repo: Path, tmp_path: Path) -> None:
    file = write_case(CALIBRATIONS, tmp_path / "site")
    done = cycle(
        "butler_import", {"repo": str(repo), "imports": [{"file": str(file)}], "transfer": "symlink"}
    )
    done.assert_converges()
    kinds = [(change["kind"], change["name"], change["count"]) for change in done.run["changes"]]
    assert ("datasets", "flat in Cam/calib/DM-1/flatGen", 6) in kinds
    assert ("datasets", "bias in Cam/good", 2) in kinds
    assert ("certifications", "bias in Cam/calib/DM-1", 3) in kinds
    assert done.run["missing"] == [] and done.run["missing_datasets"] == {}
    assert "chain Cam/calib: [Cam/calib/DM-1, Cam/calib/DM-1/biasGen, Cam/calib/DM-1/flatGen]" in (
        done.run["diff"]["after"].splitlines()
    )


def test_an_absent_repository_is_planned_as_the_run_will_do_it(tmp_path: Path) -> None:
    file = write_case(CALIBRATIONS, tmp_path / "site")
    arguments = {"repo": str(tmp_path / "new"), "imports": [{"file": str(file)}], "transfer": "copy"}
    check = run("butler_import", arguments, check_mode=True, diff=True)
    assert check.changed and not check["assumes"], check.message
    assert not (tmp_path / "new").exists()
    assert "there is no Butler repository" in run("butler_import", arguments).message
    Butler.makeRepo(tmp_path / "new")
    done = run("butler_import", arguments, diff=True)
    assert done["changes"] == check["changes"] and done["diff"] == check["diff"]
    assert done["stats"] == check["stats"]


def test_what_an_earlier_task_would_make_is_assumed(repo: Path, tmp_path: Path) -> None:
    file = write_case(CALIBRATIONS, tmp_path / "site")
    params = declare(file, transfer="direct", skip_dimensions=["instrument", "detector", "physical_filter"])
    check = import_here(repo, params, check=True)
    assert "imports[0].file: instrument Cam does not exist" in check.assumes
    assert "imports[0].file: detector Cam 2 does not exist" in check.assumes
    with Butler.from_config(repo, writeable=True) as butler:
        make_instrument(butler)
    assert import_here(repo, params).changes == check.changes


def test_an_export_that_is_not_there_yet_is_assumed_in_check_mode_only(repo: Path, tmp_path: Path) -> None:
    arguments = {"repo": str(repo), "imports": [{"file": str(tmp_path / "later.yaml")}]}
    check = run("butler_import", arguments, check_mode=True)
    assert check["assumes"] == [f"imports[0].file: export {tmp_path / 'later.yaml'} does not exist"]
    assert check["changes"][0]["unresolved"]
    real = run("butler_import", arguments)
    assert real.failed and f"imports[0].file: export {tmp_path / 'later.yaml'} does not exist" in real.message


def test_several_exports_are_one_set(repo: Path, tmp_path: Path) -> None:
    files = [write_case(case, tmp_path / f"site{number}") for number, case in enumerate(PUBLISHED)]
    # What two exports have in common is imported once.
    files.append(write_case(CASES[0], tmp_path / "again"))
    params = {"imports": [{"file": str(file)} for file in files], "transfer": "copy"}
    outcome = import_here(repo, params)
    assert outcome.changed
    for file in files:
        assert not import_here(repo, declare(file, transfer="copy")).changed
    with Butler.from_config(repo) as butler:
        refs = butler.query_all_datasets("*", find_first=False, limit=None)
        uris = butler.get_many_uris(refs)
        assert len(refs) == len({path for file in files for path in paths_in(file)})
        assert all(uri.primaryURI is not None and uri.primaryURI.exists() for uri in uris.values())


def test_chains_are_left_out_when_asked(repo: Path, tmp_path: Path) -> None:
    file = write_case(CALIBRATIONS, tmp_path / "site")
    import_here(repo, declare(file, transfer="direct", import_chains=False))
    with Butler.from_config(repo) as butler:
        assert CHAIN not in butler.collections.query("*")
    outcome = import_here(repo, declare(file, transfer="direct"))
    assert [(change.kind, change.name) for change in outcome.changes] == [("chain", CHAIN)]


def test_an_option_beside_the_imports_serves_all_of_them(repo: Path, tmp_path: Path) -> None:
    first, second = (write_case(name, tmp_path / name) for name in list(PUBLISHED)[:2])
    params = {
        "imports": [{"file": str(first)}, {"file": str(second), "transfer": "direct"}],
        "transfer": "copy",
    }
    import_here(repo, params)
    with Butler.from_config(repo) as butler:
        refs = butler.query_all_datasets("*", find_first=False)
        inside = {
            ref.datasetType.name: str(repo) in uris.primaryURI.ospath
            for ref, uris in butler.get_many_uris(refs).items()
            if uris.primaryURI is not None
        }
    assert inside == {"pretrainedModelPackage": True, "fgcmLookUpTable": False}


def test_the_examples_run(tmp_path: Path) -> None:
    places = {
        "/data/butler/ccms1": str(tmp_path / "ccms1"),
        "/data/butler/dc2": str(tmp_path / "dc2"),
        "/data/exports/pretrained-models-export.yaml": str(write_case(CASES[0], tmp_path / "models")),
        "davs://webdav.example.org:2880/lsst/instrument/ancillary": str(tmp_path / "models"),
        "/data/instrument/ancillary/LSSTComCam.calibs.20250213a/export.yaml": str(
            write_case(CASES[1], tmp_path / "fgcm")
        ),
        "/data/instrument/ancillary/LSSTComCam.calibs.20250217a/export.yaml": str(
            write_case(CALIBRATIONS, tmp_path / "calibs")
        ),
        "/data/backup/dc2_export_000.yaml": str(write_case(CASES[2], tmp_path / "backup")),
        "/data/backup/dc2_export_001.yaml": str(write_case(CASES[0], tmp_path / "backup/models")),
        "/data/backup": str(tmp_path / "backup"),
        "/data/butler/dp1": str(tmp_path / "dp1"),
        "/data/exports/visit_image.yaml": str(write_case(CASES[1], tmp_path / "products")),
        "/data/exports/isr_log.yaml": str(write_case(CASES[0], tmp_path / "logs")),
        "davs://webdav.example.org:2880/lsst/releases/dp1": str(tmp_path / "products"),
    }
    (tmp_path / "backup/u").rename(tmp_path / "backup/users")
    logs = sections_of(tmp_path / "logs/export.yaml")
    (of_type,) = (section for section in logs if section["type"] == "dataset_type")
    of_type["storage_class"] = "ButlerLogRecords"
    rewrite(tmp_path / "logs/export.yaml", logs)
    for name in ("ccms1", "dc2", "dp1"):
        Butler.makeRepo(tmp_path / name)
    results = run_examples("butler_import", places)
    assert [result.changed for result in results] == [True, True, True, True]
    assert results[2]["stats"]["skipped"] == 1, "the models are not in the folder of the backup"
    with Butler.from_config(tmp_path / "dp1") as butler:
        (kind,) = butler.registry.queryDatasetTypes()
    assert kind.name == "fgcmLookUpTable"
