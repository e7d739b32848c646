# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_files through Ansible, and its state on real repositories."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.rubin.butler.plugins.module_utils._butler.formatters import formatter_class
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.files import FilesState
from astropy.table import Table
from lsst.daf.butler import Butler, CollectionType, DatasetIdGenEnum, DatasetRef, DatasetType, FileDataset

from tests.integration.ansible_play import cycle, run
from tests.integration.converging import converge_here
from tests.integration.documented import run_examples
from tests.integration.refcat_files import (
    DEFAULTS,
    FORMATTER,
    PIXELS,
    RUN,
    TYPE,
    WHOLE,
    converged,
    formatters,
    in_directory,
    in_table,
    places,
    register_type,
    stored,
    write_shards,
)


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    folder = tmp_path / "source" / "the monster"
    write_shards(folder)
    return folder


@pytest.fixture
def catalogue(repo: Path) -> Path:
    """Give a repository with the catalogue's dataset type."""
    register_type(repo)
    return repo


@pytest.fixture
def truth(repo: Path) -> Path:
    """Give a repository with a sky map of two tracts, and a dataset type that goes by tract."""
    with Butler.from_config(repo, writeable=True) as butler:
        insert = butler.registry.insertDimensionData
        insert(
            "skymap",
            {
                "name": "DC2",
                "hash": b"hash",
                "tract_max": 10,
                "patch_nx_max": 7,
                "patch_ny_max": 7,
            },
        )
        insert("tract", {"skymap": "DC2", "id": 3}, {"skymap": "DC2", "id": 4})
        butler.registry.registerDatasetType(
            DatasetType("truth_summary", ["tract"], "DataFrame", universe=butler.dimensions)
        )
    return repo


def write_ecsv(path: Path, pixels: Any = PIXELS) -> Path:
    table = Table({"filename": [f"{pixel}.fits" for pixel in pixels], "htm7": list(pixels)})
    table.write(path, format="ascii.ecsv")
    return path


def test_a_catalogue_is_ingested_once_from_its_table(catalogue: Path, shards: Path, tmp_path: Path) -> None:
    arguments = {
        "repo": str(catalogue),
        "dataset_type": TYPE,
        "run": RUN,
        "table": str(write_ecsv(tmp_path / "t.ecsv")),
        "prefix": f"{shards}/",
        "transfer": "direct",
    }
    done = cycle("butler_files", arguments)
    done.assert_converges()
    assert done.run["diff"]["after"].splitlines() == [
        f"collection {RUN}: {{type: RUN}}",
        f"datasets {TYPE} in {RUN}: {{datasets: 6}}",
    ]
    assert done.run["changes"][1]["examples"] == [f"{shards}/{pixel}.fits" for pixel in PIXELS[:5]]
    assert done.run["stats"]["added"] == 7 and done.run_again["stats"]["present"] == 6
    assert stored(catalogue) == WHOLE
    assert places(catalogue) == {pixel: str(shards / f"{pixel}.fits") for pixel in PIXELS}
    assert formatters(catalogue) == {FORMATTER}


def test_how_far_it_is(catalogue: Path, shards: Path) -> None:
    state = replace(FilesState.from_params(in_directory(shards)), batch_size=4)
    said: list[tuple[str, int, int | None]] = []
    report = Report(step=lambda *step: said.append(step))
    converge_here(state, catalogue, report=report)
    assert said == [("ingesting", done, 6) for done in (0, 4, 6)]


def test_the_ids_follow_from_dataset_type_data_id_and_run(catalogue: Path, shards: Path) -> None:
    converged(catalogue, in_directory(shards))
    with Butler.from_config(catalogue) as butler:
        for ref in butler.query_datasets(TYPE, collections=RUN):
            again = DatasetRef(
                ref.datasetType, ref.dataId, RUN, id_generation_mode=DatasetIdGenEnum.DATAID_TYPE_RUN
            )
            assert again.id == ref.id


def test_a_table_of_moved_files_is_still_satisfied(catalogue: Path, shards: Path, tmp_path: Path) -> None:
    params = in_table(write_ecsv(tmp_path / "t.ecsv"), prefix=str(shards), transfer="move")
    converged(catalogue, params)
    assert not (shards / f"{PIXELS[0]}.fits").exists()
    again = converged(catalogue, params)
    assert not again.changed and again.stats["present"] == 6


def test_only_new_files_are_ingested(catalogue: Path, shards: Path) -> None:
    converged(catalogue, in_directory(shards, pattern=r"(?P<htm7>14700[0-3])\.fits"))
    before = Path(places(catalogue)[PIXELS[0]]).stat().st_mtime_ns
    outcome = converged(catalogue, in_directory(shards))
    [change] = outcome.changes
    assert (change.before, change.after, change.count) == ({"datasets": 4}, {"datasets": 6}, 2)
    assert stored(catalogue) == WHOLE
    assert Path(places(catalogue)[PIXELS[0]]).stat().st_mtime_ns == before


def test_one_file_may_have_several_data_ids(catalogue: Path, shards: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("file URI,htm7\nmaster_schema.fits,147000\nmaster_schema.fits,147001\n")
    params = in_table(table, prefix=shards.as_uri(), transfer="direct")
    assert converged(catalogue, params).stats["added"] == 3
    assert stored(catalogue) == {147000: "schema", 147001: "schema"}
    assert not converged(catalogue, params).changed


def test_what_the_official_tool_ingested_under_random_ids_is_present(catalogue: Path, shards: Path) -> None:
    with Butler.from_config(catalogue, writeable=True, run=RUN) as butler:
        dataset_type = butler.get_dataset_type(TYPE)
        butler.ingest(
            *(
                FileDataset(
                    path=str(shards / f"{pixel}.fits"),
                    refs=[DatasetRef(dataset_type, {"htm7": pixel}, run=RUN)],
                    formatter=formatter_class(FORMATTER),
                )
                for pixel in PIXELS[:3]
            ),
            transfer="direct",
        )
        before = {ref.id for ref in butler.query_datasets(TYPE, collections=RUN)}
    outcome = converged(catalogue, in_directory(shards, transfer="direct"))
    assert outcome.stats["present"] == 3 and outcome.stats["added"] == 3
    with Butler.from_config(catalogue) as butler:
        assert before < {ref.id for ref in butler.query_datasets(TYPE, collections=RUN)}


def test_a_deleted_record_of_an_artifact_is_made_anew_and_only_that(catalogue: Path, shards: Path) -> None:
    converged(catalogue, in_directory(shards))
    with Butler.from_config(catalogue, writeable=True) as butler:
        refs = butler.query_datasets(TYPE, collections=RUN, where="htm7 = 147002")
        butler.pruneDatasets(refs, disassociate=False, unstore=True, purge=False)
        [gone] = refs
    assert 147002 not in stored(catalogue)
    outcome = converged(catalogue, in_directory(shards))
    assert [(change.kind, change.after, change.examples) for change in outcome.changes] == [
        ("artifacts", {"recorded": 1}, (str(shards / "147002.fits"),))
    ]
    assert stored(catalogue) == WHOLE
    with Butler.from_config(catalogue) as butler:
        assert gone in butler.query_datasets(TYPE, collections=RUN)
    assert not converged(catalogue, in_directory(shards)).changed


def test_another_recorded_place_is_a_conflict_kept_or_replaced(
    catalogue: Path, shards: Path, tmp_path: Path
) -> None:
    converged(catalogue, in_directory(shards, transfer="direct"))
    elsewhere = tmp_path / "elsewhere"
    write_shards(elsewhere)
    params = in_directory(elsewhere, transfer="direct")
    with pytest.raises(ButlerError) as caught:
        converged(catalogue, params)
    assert len(caught.value.details) == 6
    assert caught.value.details[0] == (
        f"dataset 147000.fits: it is recorded at {shards}/147000.fits, not at {elsewhere}/147000.fits"
    )
    kept = converged(catalogue, {**params, "on_conflict": "keep"})
    assert not kept.changed and kept.stats["present"] == 6
    assert kept.notices[0].startswith("kept 6 datasets at other places than the declared ones; the first is")
    outcome = converged(catalogue, {**params, "on_conflict": "replace"})
    assert outcome.stats["replaced"] == 6 and outcome.stats["added"] == 0
    assert [change.kind for change in outcome.changes] == ["paths"]
    assert places(catalogue) == {pixel: str(elsewhere / f"{pixel}.fits") for pixel in PIXELS}
    assert (shards / "147000.fits").read_text() == "shard 147000", "a file was removed"
    assert not converged(catalogue, {**params, "on_conflict": "replace"}).changed


def test_the_same_place_by_another_way_is_no_conflict(catalogue: Path, shards: Path, tmp_path: Path) -> None:
    converged(catalogue, in_directory(shards, transfer="direct"))
    (tmp_path / "link").symlink_to(shards)
    again = converged(catalogue, in_directory(tmp_path / "link", transfer="direct"))
    assert not again.changed and again.stats["present"] == 6


@pytest.mark.parametrize("transfer", ["direct", "copy"])
def test_odd_names_are_kept(catalogue: Path, tmp_path: Path, transfer: str) -> None:
    folder = tmp_path / "a+b ü c"
    folder.mkdir()
    (folder / "147000 50% (1).fits").write_text("odd")
    for directory in (str(folder), folder.as_uri()):
        params = in_directory(folder, transfer=transfer, directory=directory, pattern=r"(?P<htm7>\d+) .*")
        outcome = converged(catalogue, params)
        assert stored(catalogue) == {147000: "odd"}
    assert not outcome.changed and outcome.stats["present"] == 1


def test_names_that_would_be_taken_for_parts_of_a_uri_are_refused(catalogue: Path, tmp_path: Path) -> None:
    for name in ("147000#1", "147001%20", "147002 %"):
        (tmp_path / f"{name}.fits").write_text("odd")
    with pytest.raises(ButlerError, match="a Butler takes # and escapes such as %20") as caught:
        converged(catalogue, in_directory(tmp_path, pattern=r"(?P<htm7>\d+).*\.fits"))
    assert caught.value.details == (
        f"147000#1.fits: {tmp_path}/147000#1.fits",
        f"147001%20.fits: {tmp_path}/147001%20.fits",
    )


def test_unrecorded_files_at_the_target_are_planned_and_replaced(catalogue: Path, shards: Path) -> None:
    converged(catalogue, in_directory(shards))
    target = Path(places(catalogue)[147001])
    with Butler.from_config(catalogue, writeable=True) as butler:
        butler.pruneDatasets(
            butler.query_datasets(TYPE, collections=RUN), disassociate=True, unstore=True, purge=True
        )
    target.write_text("left by a killed run, cut short")
    outcome = converged(catalogue, in_directory(shards))
    assert [change.kind for change in outcome.changes] == ["datasets", "orphan"]
    assert outcome.changes[1].examples == (str(target.relative_to(catalogue)),)
    assert outcome.stats["replaced"] == 1
    assert stored(catalogue) == WHOLE


def test_missing_files_are_all_listed_or_skipped_and_join_later(catalogue: Path, shards: Path) -> None:
    table = write_ecsv(shards / "t.ecsv")
    late = [shards / f"{pixel}.fits" for pixel in PIXELS[:2]]
    for path in late:
        path.unlink()
    with pytest.raises(ButlerError) as caught:
        converged(catalogue, in_table(table))
    assert caught.value.details == (
        f"table, row 1: file {late[0]} does not exist",
        f"table, row 2: file {late[1]} does not exist",
    )
    with Butler.from_config(catalogue) as butler:
        assert butler.collections.query("*") == []
    outcome = converged(catalogue, in_table(table, on_missing="skip"))
    assert outcome.stats["skipped"] == 2 and outcome.stats["added"] == 5
    assert outcome.notices == [f"left out 2 of 6 files that are not there: {late[0]}, {late[1]}"]
    for path in late:
        path.write_text(f"shard {path.stem}")
    assert converged(catalogue, in_table(table)).stats["added"] == 2
    assert stored(catalogue) == WHOLE


def test_an_empty_target_is_checked_as_the_run_does_it(repo: Path, shards: Path, tmp_path: Path) -> None:
    params = in_directory(shards)
    absent = converged(tmp_path / "none", params, check_mode=True)
    lacking = converged(repo, params, check_mode=True)
    register_type(repo)
    done = converged(repo, params)
    assert absent.changes == lacking.changes == done.changes
    assert absent.stats == lacking.stats == done.stats
    assert absent.assumes == [f"dataset_type: dataset type {TYPE} does not exist"]


def test_a_csv_table_keeps_text_as_it_is_and_needs_its_sky_map(truth: Path, tmp_path: Path) -> None:
    for tract in (3, 4, 5):
        (tmp_path / f"{tract}.parq").write_text(f"tract {tract}")
    table = tmp_path / "truth_tables.csv"
    table.write_text("file URI,skymap,tract\n3.parq,DC2,3\n4.parq,DC2,4\n5.parq,DC2,5\n3.parq,DC3,3\n")
    params = in_table(table, dataset_type="truth_summary", run="2.2i/truth_summary")
    with pytest.raises(ButlerError) as caught:
        converged(truth, params)
    assert caught.value.details == (
        "table: skymap DC3 does not exist",
        "table: tract DC2 5, DC3 3 does not exist",
    )
    check = converged(truth, params, check_mode=True)
    assert [change.count for change in check.changes] == [1, 4]
    table.write_text("file URI,skymap,tract\n3.parq,DC2,3\n4.parq,DC2,4\n")
    assert converged(truth, params).stats["added"] == 3
    assert stored(truth, "truth_summary", "2.2i/truth_summary", "tract") == {3: "tract 3", 4: "tract 4"}
    assert formatters(truth) == {"lsst.daf.butler.formatters.parquet.ParquetFormatter"}


def test_implied_values_have_to_be_right(repo: Path, tmp_path: Path) -> None:
    with Butler.from_config(repo, writeable=True) as butler:
        insert = butler.registry.insertDimensionData
        insert("instrument", {"name": "Cam", "class_name": "a.Cam"})
        insert("physical_filter", {"instrument": "Cam", "name": "r_03", "band": "r"})
        butler.registry.registerDatasetType(
            DatasetType("curve", ["physical_filter"], "AstropyTable", universe=butler.dimensions)
        )
    (tmp_path / "r.ecsv").write_text("curve")
    table = tmp_path / "t.csv"
    params = in_table(table, dataset_type="curve", run="curves", data_id={"instrument": "Cam"})
    table.write_text("file,physical_filter,band\nr.ecsv,r_03,i\n")
    with pytest.raises(ButlerError, match="row 1: band is 'i', the repository's records say 'r'"):
        converged(repo, params)
    table.write_text("file,physical_filter,band\nr.ecsv,r_03,r\n")
    assert converged(repo, params).stats["added"] == 2


def test_a_run_name_that_is_a_chain_is_a_conflict(catalogue: Path, shards: Path) -> None:
    with Butler.from_config(catalogue, writeable=True) as butler:
        butler.collections.register("refcats", CollectionType.CHAINED)
    with pytest.raises(
        ButlerError, match="collection refcats: it is a CHAINED collection, and RUN was declared"
    ):
        converged(catalogue, in_directory(shards, run="refcats"))


@pytest.mark.parametrize(
    ("rows", "problems"),
    [
        ("htm7\n147000\n147001.5\n\n5\n", ["row 2: htm7 is '147001.5', expected a whole number"]),
        ("htm7\n5\n", ["row 1: htm7 is 5, expected 131072 to 262143"]),
        ("htm9\n5\n", ["dimension htm7 is not given", f"htm9 is not one of the dimensions of {TYPE}"]),
        ("htm7,pixel\n147000,1\n", ["there is no dimension 'pixel'"]),
        ("htm7\n147000\n147001\n147000\n", ["row 3: htm7=147000 is that of row 1 (/f0) already (/f2)"]),
    ],
)
def test_bad_tables_name_their_rows_and_nothing_is_written(
    catalogue: Path, tmp_path: Path, rows: str, problems: list[str]
) -> None:
    table = tmp_path / "t.csv"
    head, *lines = [line for line in rows.splitlines() if line]
    table.write_text(f"file,{head}\n" + "".join(f"/f{n},{line}\n" for n, line in enumerate(lines)))
    with pytest.raises(ButlerError) as caught:
        converged(catalogue, in_table(table))
    assert list(caught.value.details)[: len(problems)] == problems
    assert caught.value.option == "table"
    with Butler.from_config(catalogue) as butler:
        assert butler.collections.query("*") == []


def test_inputs_that_can_not_be_read_are_errors_in_check_mode_too(catalogue: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.ecsv"
    with pytest.raises(ButlerError, match=r"table: .*/t.ecsv can't be read: it does not exist"):
        converged(catalogue, in_table(table), check_mode=True)
    table.write_text("not a table")
    with pytest.raises(ButlerError, match="is not a table that astropy can read: InconsistentTableError"):
        converged(catalogue, in_table(table), check_mode=True)
    with pytest.raises(ButlerError, match=r"directory: .*/none can't be listed"):
        converged(catalogue, in_directory(tmp_path / "none"), check_mode=True)
    with pytest.raises(ButlerError, match=r"pattern: no file in .* matches"):
        converged(catalogue, in_directory(tmp_path), check_mode=True)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"pattern": "(?P<htm7>"}, r"pattern: '\(\?P<htm7>' is not a regular expression"),
        ({"directory": "relative"}, "directory: relative is relative, expected an absolute path or a URI"),
        ({"directory": "davs://user:pw@host/x"}, "directory: davs://host/x comes with user information"),
        ({"prefix": "/x"}, "prefix: it is for the names in a table, not for a directory"),
        ({"formatter": "no dots"}, "formatter: 'no dots' is not the dotted name of a class"),
    ],
)
def test_options_that_can_not_be_meant(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ButlerError, match=message):
        FilesState.from_params({**DEFAULTS, "directory": "/x", "pattern": "x", **more})


def test_a_table_and_a_directory_exclude_each_other(repo: Path, shards: Path) -> None:
    arguments = {"repo": str(repo), "dataset_type": TYPE, "run": RUN, "table": "/t", "directory": str(shards)}
    result = run("butler_files", arguments)
    assert result.failed and "mutually exclusive: table|directory" in result.message


def test_examples(truth: Path, tmp_path: Path) -> None:
    with Butler.from_config(truth, writeable=True) as butler:
        for name in ("the_monster_20240904", "the_monster_20250219"):
            butler.registry.registerDatasetType(
                DatasetType(name, ["htm7"], "SimpleCatalog", universe=butler.dimensions)
            )
            write_shards(tmp_path / "raw" / "refcats" / name)
    data = tmp_path / "ccms1"
    data.mkdir()
    write_ecsv(data / "the_monster_20240904.ecsv", PIXELS[:2])
    (data / "3.parq").write_text("tract 3")
    (data / "truth_tables.csv").write_text("file URI,tract\n3.parq,3\n4.parq,4\n")
    results = run_examples(
        "butler_files",
        {"/data/butler/ccms1": str(truth), "/data/ccms1": str(data), "/data/raw": str(tmp_path / "raw")},
    )
    assert [result["stats"]["added"] for result in results] == [3, 7, 2]
    assert results[2]["stats"]["skipped"] == 1
