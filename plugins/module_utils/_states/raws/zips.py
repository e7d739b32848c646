# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Zips of raws: what has to be done about them, and doing it.

A zip brings its own UUIDs and runs, and ``Butler.ingest_zip`` takes all of it or nothing. It wants the
records of exposures beforehand: these go into the transaction of their zip.

Source: daf_butler (``Butler.ingest_zip``), obs_base (``RawIngestTask.ingestExposureDatasets``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from ansible_collections.rubin.butler.plugins.module_utils._butler.collections import (
    other_type,
    register,
    shown_collection,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.dimension_records import (
    RecordWork,
    apply_records,
    plan_records,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.outages import explain_outage
from ansible_collections.rubin.butler.plugins.module_utils._butler.registered_types import (
    register_type,
    shown_type,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository, first_line
from ansible_collections.rubin.butler.plugins.module_utils._butler.transactions import (
    after_break,
    is_hopeless,
    transact,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.transfers import (
    physical_transfer,
    remove_sources,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    EXAMPLES,
    Change,
    Conflict,
    Plan,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.held import Ground
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.refs import RawRefs
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.zip_files import read_zip
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.zips_found import ZipsFound
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.zips_taken import FoundZip

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetType, DimensionRecord

KIND = "raw zip"


@dataclass
class ZipWork:
    """What to write of zips.

    Parameters
    ----------
    zips : `list` [ `FoundZip` ]
        Those to ingest, in the order of their exposures.
    types : `list` [ `lsst.daf.butler.DatasetType` ]
        Dataset types to register, but those that the rest of the task registers.
    runs : `list` [ `str` ]
        Runs to register, but those that the rest of the task registers.
    shared : `RecordWork`
        Records that exposures share, and exposures to replace.
    exposures : `dict` [ `int`, `lsst.daf.butler.DimensionRecord` ]
        New exposures, which go with their first zip.
    """

    zips: list[FoundZip] = field(default_factory=list)
    types: list[DatasetType] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    shared: RecordWork = field(default_factory=RecordWork)
    exposures: dict[int, DimensionRecord] = field(default_factory=dict)


def plan_zips(
    plan: Plan[Any],
    found: ZipsFound,
    refs: RawRefs,
    ground: Ground,
    on_conflict: str,
    loose: Mapping[int, tuple[int, str]],
) -> ZipWork:
    """Plan the ingest of the zips that are not there.

    Parameters
    ----------
    plan : `Plan`
        Gets the changes (``raw zips``, one for each run and day of observation), conflicts, assumptions,
        notices and failures, and the counts of raws that are there or left out; other datasets of zips, such
        as those of guiders, are not counted there. What it has as changes already is not planned again.
    found : `ZipsFound`
        From `observe_zips`.
    refs : `RawRefs`
        Tells instrument, run and dataset type of the task.
    ground : `Ground`
        What raws stand on in the repository.
    on_conflict : {"fail", "keep", "replace"}
        What to do about what is there and differs. With ``keep`` a zip that can't be ingested whole is left
        out. With ``replace`` a zip is ingested though another run has its raws; what is partly there, or
        there under other UUIDs, stays a conflict, and so do two zips of the same raws, and a zip of raws that
        are to be ingested from files too.
    loose : `~collections.abc.Mapping` [ `int`, `tuple` [ `int`, `str` ] ]
        Of exposures of zips, the detectors whose raws are to be ingested from files, a bit for each, and one
        of these files.

    Returns
    -------
    work : `ZipWork`
        What to write.
    """
    work = ZipWork()
    plan.failures += found.failures
    plan.present += found.present
    left_out: list[FoundZip] = []
    for item in found.zips:
        if item.state in ("new", "elsewhere") and (said := _in_files(item, loose)):
            item = replace(item, state="twice", reason=said)
        if item.state == "present":
            plan.present += item.known
        elif item.state == "new" or (item.state == "elsewhere" and on_conflict == "replace"):
            work.zips.append(item)
        elif on_conflict == "keep":
            plan.present += item.known
            plan.skipped += item.count() - item.known
            left_out.append(item)
        else:
            plan.conflicts.append(Conflict(KIND, item.path, item.reason))
    if left_out:
        first = left_out[0]
        plan.notices.append(
            f"left out {len(left_out)} zips that can't be ingested whole; the first is {first.path}: "
            f"{first.reason}"
        )
    if found.moved:
        path, place = found.moved[0]
        plan.notices.append(
            f"the datasets of {len(found.moved)} zips are recorded at other places; the first is {path}, "
            f"recorded at {place}"
        )
    if work.zips:
        work.zips.sort(key=lambda item: (item.exposures, item.path))
        _plan_ground(plan, work, found, refs, ground)
        _plan_records(plan, work, found, on_conflict)
        _plan_changes(plan, work, found, refs)
    return work


def _in_files(item: FoundZip, loose: Mapping[int, tuple[int, str]]) -> str:
    """Say which raws of a zip are to be ingested from files too; nothing if none is."""
    for number, detectors in item.raws.items():
        others, path = loose.get(number, (0, ""))
        if both := detectors & others:
            return (
                f"{both.bit_count()} raws of exposure {number} are in more than one file: in this zip, and "
                f"in files such as {path}"
            )
    return ""


def _plan_ground(plan: Plan[Any], work: ZipWork, found: ZipsFound, refs: RawRefs, ground: Ground) -> None:
    """Plan runs and dataset types, and tell what is for other tasks."""
    planned = {change.key for change in plan.changes}
    for name in sorted({name for item in work.zips for name in item.dataset_types}):
        wanted, registered = found.types[name], found.registered.get(name)
        if registered is not None and registered != wanted:
            plan.conflicts.append(Conflict("dataset type", name, f"it is {registered}, in zips {wanted}"))
        elif registered is None and ("dataset type", name) not in planned:
            work.types.append(wanted)
            plan.changes.append(Change.add("dataset type", name, shown_type(wanted)))
    for run in sorted({run for item in work.zips for run in item.runs}):
        known = found.runs.get(run)
        if known is not None and known.type != "RUN":
            plan.conflicts.append(other_type(run, known, "RUN"))
        elif known is None and ("collection", run) not in planned:
            work.runs.append(run)
            plan.changes.append(Change.add("collection", run, shown_collection("RUN")))
    own = sorted({run for item in work.zips for run in item.runs} - {refs.run})
    if own:
        plan.notices.append(f"zips bring their own runs along: {', '.join(own)}")
    detectors = {detector for item in work.zips for detector in item.detectors}
    numbers = {number for item in work.zips for number in item.exposures} & found.records.keys()
    filters = {found.records[number]["exposure"].physical_filter for number in numbers}
    assumed = set(plan.assumes)
    lacking = ground.lacks(refs.definition.name, detectors, filters)
    plan.assumes += [item for item in lacking if item not in assumed]


def _plan_records(plan: Plan[Any], work: ZipWork, found: ZipsFound, on_conflict: str) -> None:
    """Plan the records of exposures: those that are shared, and those that go with their zip."""
    numbers = sorted({number for item in work.zips for number in item.exposures} & found.records.keys())
    wanted = [record for number in numbers for record in found.records[number].values()]
    part: Plan[None] = Plan(None)
    work.shared = plan_records(part, wanted, found.existing, on_conflict)
    # Records that are there already are not what was declared: only zips are.
    part.present = 0
    plan.absorb([part])
    new = work.shared.insert.pop("exposure", [])
    work.exposures = {int(record.dataId["exposure"]): record for record in new}


def _plan_changes(plan: Plan[Any], work: ZipWork, found: ZipsFound, refs: RawRefs) -> None:
    """Plan one change for the zips of each run and day."""
    groups: dict[tuple[str, int], list[FoundZip]] = defaultdict(list)
    for item in work.zips:
        number = item.exposures[0]
        key = ("exposure", (refs.definition.name, number))
        record = found.records[number]["exposure"] if number in found.records else found.existing[key]
        groups[" and ".join(item.runs), int(record.day_obs)].append(item)
    for (run, day), items in groups.items():
        datasets = sum(item.datasets for item in items)
        shown = {
            "exposures": len({number for item in items for number in item.exposures}),
            "zips": len(items),
            "datasets": datasets,
        }
        examples = tuple(PurePosixPath(item.path).name for item in items[:EXAMPLES])
        plan.changes.append(
            Change.add("raw zips", f"{run} day_obs={day}", shown, count=datasets, examples=examples)
        )


def apply_zips(
    repository: Repository,
    work: ZipWork,
    report: Report,
    transfer: str,
    *,
    on_error: Literal["fail", "skip"] = "fail",
    max_errors: int | None = None,
    share: tuple[int, int] | None = None,
) -> None:
    """Register what is needed, then ingest zip by zip.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    work : `ZipWork`
        From `plan_zips`.
    report : `Report`
        Counts what was done, and is where the run may be stopped between zips.
    transfer : `str`
        A mode of ``Butler.ingest``. ``split`` is ``direct``. ``move`` is done as a link or copy whose source
        is removed after the commit. What is not ``direct`` is put below ``zips`` in the datastore.
    on_error : {"fail", "skip"}, optional
        Whether a zip that can't be ingested ends the run, or is counted and left out.
    max_errors : `int`, optional
        With ``skip``: end the run once more than this have failed.
    share : `tuple` [ `int`, `int` ], optional
        Which share of the run's datasets these are, and of how many; see `Ingester`.

    Raises
    ------
    ButlerError
        Raised for a zip that can't be ingested, naming it; earlier zips stay.
    StoppedError
        Raised between zips if the run was asked to stop.
    """
    butler = repository.butler
    for dataset_type in work.types:
        report.checkpoint()
        register_type(butler, dataset_type)
        report.added += 1
    for run in work.runs:
        report.checkpoint()
        register(butler, run, "RUN")
        report.added += 1
    apply_records(butler, work.shared, report)
    pending = dict(work.exposures)
    for done, item in enumerate(work.zips):
        report.checkpoint()
        report.step("ingesting zips", done, len(work.zips))
        try:
            _ingest(repository, item, pending, report, transfer, share)
        except ButlerError as error:
            _failed(report, item, error.message, on_error, max_errors)
        except Exception as error:
            # What a broken member, a full disk or another writer can cause has no common class.
            cause = "" if is_hopeless(error) else explain_outage(error, repository.config, [item.path])
            if cause is not None:
                raise ButlerError(
                    f"the ingest of zips broke off at {item.path}: {first_line(error)}",
                    hint=cause + after_break(error, "zips"),
                ) from error
            _failed(report, item, first_line(error), on_error, max_errors)
    if work.zips:
        report.step("ingesting zips", len(work.zips), len(work.zips))


def _ingest(
    repository: Repository,
    item: FoundZip,
    pending: dict[int, DimensionRecord],
    report: Report,
    transfer: str,
    share: tuple[int, int] | None,
) -> None:
    """Ingest one zip with the records of its exposures."""
    from lsst.daf.butler.registry import ConflictingDefinitionError

    butler = repository.butler
    mode = (
        "direct" if transfer == "split" else physical_transfer(transfer, item.path, repository.datastore_root)
    )
    records = [pending[number] for number in item.exposures if number in pending]

    def write() -> None:
        if records:
            butler.registry.insertDimensionData("exposure", *records, skip_existing=True)
        butler.ingest_zip(item.path, transfer=mode)

    with ExitStack() as locks:
        for run in item.runs:
            locks.enter_context(repository.writer_lock(run, report.notice, share))
        try:
            transact(butler, write, report.log)
        except ConflictingDefinitionError:
            # Asking beforehand would take as long as a quarter of the ingest does: the index is read for it.
            refs = read_zip(item.path, butler.dimensions).refs
            known = len(butler.get_many_uris(refs, allow_missing=True))
            if not known:
                raise
            if known < len(refs):
                raise ButlerError(
                    f"another writer ingested {known} of its {len(refs)} datasets meanwhile"
                ) from None
            report.notice(f"another writer ingested {known} of the planned datasets meanwhile")
            return
    if transfer == "move":
        remove_sources([item.path], report)
    for record in records:
        del pending[int(record.dataId["exposure"])]
    report.added += item.datasets + len(records)
    report.log(f"ingested {item.path} with {item.datasets} datasets")


def _failed(report: Report, item: FoundZip, reason: str, on_error: str, max_errors: int | None) -> None:
    if on_error == "fail":
        raise ButlerError(
            f"{item.path} can't be ingested: {reason}",
            hint="Completed zips stay. Run the task again when the cause is mended.",
        )
    report.bear(item.path, reason, max_errors)
