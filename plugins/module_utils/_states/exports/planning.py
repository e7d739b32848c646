# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of exports are written and removed, and what that changes: a pure comparison."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    EXAMPLES,
    Assumption,
    Change,
    Conflict,
    Plan,
    first_few,
)
from ansible_collections.rubin.butler.plugins.module_utils._exports.writer import Mark
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.collecting import Collected
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.declared import Item
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.files import Held
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.rendering import Part

SECTIONS = {
    "associations": "associations of {} in",
    "collections": "{} collections in",
    "datasets": "{} in",
    "records": "{} records in",
}
"""How a section of an export is called in changes."""


@dataclass
class Copies:
    """Artifacts of a dataset type that are not beside an export.

    Parameters
    ----------
    new, differing : `int`
        How many are missing, and how many other files are in their places.
    size : `int`
        How large they are together (bytes).
    examples, differ : `list` [ `str` ]
        The first paths of both.
    """

    new: int = 0
    differing: int = 0
    size: int = 0
    examples: list[str] = field(default_factory=list)
    differ: list[str] = field(default_factory=list)


@dataclass
class Seen:
    """One export: what it should be, and what is there.

    Parameters
    ----------
    item : `Item`
        As it is declared.
    missing : `list` [ `Assumption` ]
        What is named and not there.
    known : `bool`
        Whether the selection is known: with assumptions it is not.
    collected : `Collected`
        What was gathered.
    parts : `list` [ `Part` ]
        Its files.
    held : `dict` [ `str`, `Held` ]
        What is at their places.
    stale : `list` [ `str` ]
        Files of an earlier, larger run.
    copies : `dict` [ `str`, `Copies` ]
        Artifacts to transfer, by dataset type.
    clashes : `list` [ `str` ]
        Places that several artifacts would be put to.
    present : `int`
        How many artifacts are there.
    no_folder : `str`
        The directory of the files, if it is not there.
    unwritable : `str`
        Why nothing can be written to one of the directories.
    """

    item: Item
    missing: list[Assumption] = field(default_factory=list)
    known: bool = False
    collected: Collected = field(default_factory=Collected)
    parts: list[Part] = field(default_factory=list)
    held: dict[str, Held] = field(default_factory=dict)
    stale: list[str] = field(default_factory=list)
    copies: dict[str, Copies] = field(default_factory=dict)
    clashes: list[str] = field(default_factory=list)
    present: int = 0
    no_folder: str = ""
    unwritable: str = ""


@dataclass
class Job:
    """What to do for one export.

    Parameters
    ----------
    seen : `Seen`
        The export.
    write : `list` [ `Part` ]
        Files to write.
    permit : `list` [ `str` ]
        Files that only get other permissions.
    remove : `list` [ `str` ]
        Stale files.
    """

    seen: Seen
    write: list[Part] = field(default_factory=list)
    permit: list[str] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)


def plan_export(plan: Plan[list[Job]], seen: Seen, on_missing: str, on_conflict: str, *, prune: bool) -> None:
    """Plan one export.

    Parameters
    ----------
    plan : `Plan` [ `list` [ `Job` ] ]
        Gets changes, conflicts, assumptions and a job.
    seen : `Seen`
        What it should be, and what is there.
    on_missing : {"fail", "skip"}
        What to do about what is named and not there, and datasets without an artifact.
    on_conflict : {"fail", "replace"}
        What to do about other files in the places of export files and artifacts.
    prune : `bool`
        Whether stale files are removed.
    """
    item = seen.item
    if on_missing == "fail":
        plan.assumes += seen.missing
        plan.assumes += _lost(seen)
    else:
        plan.notices += [f"{item.file}: left out: {each}" for each in seen.missing]
        left_out = seen.collected.unstored + seen.collected.gone
        plan.skipped += sum(left_out.values())
        if left_out:
            plan.notices.append(
                f"{item.file}: left out datasets without an artifact: "
                + ", ".join(f"{count} {name}" for name, count in sorted(left_out.items()))
            )
    if seen.no_folder:
        plan.assumes.append(Assumption("directory", seen.no_folder, f"{item.option}.file"))
    if not seen.known:
        plan.changes.append(Change.add("export", item.file, "the selected datasets", unresolved=True))
        return
    _conflicts(plan, seen, on_conflict, prune=prune)
    job = Job(seen)
    for part in seen.parts:
        held = seen.held.get(part.path)
        if held is None or held.digest != part.digest or held.mark != part.mark:
            job.write.append(part)
        elif item.mode is not None and item.mode != held.mode:
            job.permit.append(part.path)
        else:
            plan.present += 1
    if prune:
        job.remove = seen.stale
    plan.present += seen.present
    plan.changes += _file_changes(job)
    plan.changes += _content_changes(job)
    plan.changes += _copy_changes(seen)
    plan.work.append(job)


def _lost(seen: Seen) -> Iterator[Assumption]:
    option, found = seen.item.option, seen.collected
    for name, count in sorted(found.unstored.items()):
        yield Assumption(
            "artifact", f"of {count} datasets of type {name}, which are only registered,", option
        )
    if found.gone:
        counts = ", ".join(f"{count} {name}" for name, count in sorted(found.gone.items()))
        yield Assumption("artifact", f"{first_few(found.lost)} ({counts} datasets)", option)


def _conflicts(plan: Plan[Any], seen: Seen, on_conflict: str, *, prune: bool) -> None:
    item, found = seen.item, seen.collected
    for path, held in sorted(seen.held.items()):
        if not held.is_export and on_conflict != "replace":
            plan.conflicts.append(
                Conflict(
                    "file", path, "there is something else than an export; name another file, or move it away"
                )
            )
    for name, count in sorted(found.composite.items()):
        plan.conflicts.append(
            Conflict("datasets", name, f"{count} are stored in several files each, which no export can tell")
        )
    for name, count in sorted(found.zipped.items()):
        plan.conflicts.append(
            Conflict(
                "datasets",
                name,
                f"{count} are members of zips, which can't be copied, nor told by a path that is relative to "
                "the datastore; use transfer=direct, or ingest the zips there",
            )
        )
    plan.conflicts += [
        Conflict("artifacts", item.directory, f"two artifacts would be one file: {each}")
        for each in seen.clashes
    ]
    if on_conflict != "replace":
        plan.conflicts += [
            Conflict(
                "artifacts",
                f"{name} in {item.directory}",
                f"{copies.differing} other files are in their places: {first_few(copies.differ)}"
                f"{' ...' if copies.differing > len(copies.differ) else ''}; name another directory, or "
                "replace them with on_conflict=replace",
            )
            for name, copies in sorted(seen.copies.items())
            if copies.differing
        ]
    if seen.stale and not prune:
        plan.conflicts.append(
            Conflict(
                "export",
                item.file,
                f"it has {len(seen.parts)} files now, and an earlier run has left more, which would be "
                f"imported with it: {first_few(seen.stale)}; prune=true removes them",
            )
        )
    if seen.unwritable:
        plan.conflicts.append(Conflict("export", item.file, seen.unwritable))


def _file_changes(job: Job) -> Iterator[Change]:
    """Tell which files there will be: one change for each export and what happens to its files."""
    seen, item = job.seen, job.seen.item
    new = [part for part in job.write if part.path not in seen.held]
    other = [part for part in job.write if part.path in seen.held]
    size = sum(part.size for part in seen.parts)
    mode = {} if item.mode is None else {"mode": f"{item.mode:04o}"}
    if new:
        yield Change.add(
            "export",
            item.file,
            {"files": len(seen.parts), "bytes": size, **mode},
            before={"files": len(seen.held)} if seen.held else None,
            count=len(new),
            examples=_examples(part.path for part in new),
        )
    if other:
        yield Change.replace(
            "export files",
            f"rewritten of {item.file}",
            {"files": len(other), "sha256": _short(seen.held[other[0].path].digest)},
            {"files": len(other), "sha256": _short(other[0].digest)},
            count=len(other),
            examples=_examples(part.path for part in other),
        )
    if job.permit:
        yield Change.replace(
            "export files",
            f"permissions of {item.file}",
            {"mode": f"{seen.held[job.permit[0]].mode:04o}"},
            mode,
            count=len(job.permit),
            examples=_examples(job.permit),
        )
    if job.remove:
        yield Change.remove(
            "export files",
            f"no longer of {item.file}",
            {"files": len(job.remove)},
            count=len(job.remove),
            examples=_examples(job.remove),
        )


def _content_changes(job: Job) -> Iterator[Change]:
    """Tell what is different in the files. These changes count nothing: the files are counted."""
    if not job.write:
        return
    seen = job.seen
    first = seen.parts[0]
    held = seen.held.get(first.path)
    if held is not None and held.mark is None:
        # One that somebody else has written is not read: all of it is new.
        yield from _differing(seen.item.file, {}, first.mark.contents)
    else:
        before: Mapping[str, Any] = {} if held is None or held.mark is None else held.mark.contents
        yield from _differing(seen.item.file, before, first.mark.contents)


def _differing(
    file: str,
    before: Mapping[str, Mapping[str, Sequence[Any]]],
    after: Mapping[str, Mapping[str, Sequence[Any]]],
) -> Iterator[Change]:
    for section, title in SECTIONS.items():
        old, new = before.get(section, {}), after.get(section, {})
        for name in sorted({*old, *new}):
            if list(old.get(name, ())) == list(new.get(name, ())):
                continue
            shown = [_entry(each.get(name), same=_same(old, new, name)) for each in (old, new)]
            label = f"{title.format(name)} {file}"
            kind = f"exported {section}"
            if shown[0] is None:
                yield Change.add(kind, label, shown[1], count=0)
            elif shown[1] is None:
                yield Change.remove(kind, label, shown[0], count=0)
            else:
                yield Change.replace(kind, label, shown[0], shown[1], count=0)


def _same(old: Mapping[str, Sequence[Any]], new: Mapping[str, Sequence[Any]], name: str) -> bool:
    return name in old and name in new and old[name][0] == new[name][0]


def _entry(entry: Sequence[Any] | None, *, same: bool) -> dict[str, Any] | None:
    """Show a number of entries, and where that is the same what tells them apart."""
    if entry is None:
        return None
    return {"entries": entry[0], "digest": entry[1]} if same else {"entries": entry[0]}


def _copy_changes(seen: Seen) -> Iterator[Change]:
    directory = seen.item.directory
    for name, copies in sorted(seen.copies.items()):
        if copies.new:
            yield Change.add(
                "artifacts",
                f"{name} in {directory}",
                {"artifacts": copies.new},
                count=copies.new,
                examples=_examples(copies.examples),
            )
        if copies.differing:
            yield Change.replace(
                "artifacts",
                f"{name} replaced in {directory}",
                {"artifacts": copies.differing, "are": "other files"},
                {"artifacts": copies.differing, "are": seen.item.transfer},
                count=copies.differing,
                examples=_examples(copies.differ),
            )


def _examples(paths: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(paths)[:EXAMPLES])


def _short(digest: bytes) -> str:
    return digest.hex()[:16]


def summary(seen: Seen) -> dict[str, Any]:
    """Tell about an export what the module returns.

    Parameters
    ----------
    seen : `Seen`
        The export.

    Returns
    -------
    result : `dict`
        ``file``, ``files``, ``directory``, ``datasets`` by type, and ``missing_datasets``.
    """
    contents = seen.parts[0].mark.contents if seen.parts else Mark().contents
    missing: Counter[str] = seen.collected.unstored + seen.collected.gone
    return {
        "file": seen.item.file,
        "files": [part.path for part in seen.parts],
        "directory": seen.item.directory if seen.item.directory else str(Path(seen.item.file).parent),
        "datasets": {name: entry[0] for name, entry in contents.get("datasets", {}).items()},
        "missing_datasets": dict(sorted(missing.items())),
    }
