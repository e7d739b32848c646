# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Artifacts that are to be beside an export: which are there, which are missing, and how they get there."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository, first_line
from ansible_collections.rubin.butler.plugins.module_utils._butler.transfers import check_links
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._exports.paths import is_uri
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.declared import IN_PLACE, Item
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.spool import Copy, Spool
from ansible_collections.rubin.butler.plugins.module_utils._storage.absence import gone_among

if TYPE_CHECKING:
    from datetime import datetime

    from lsst.daf.butler import FileDataset
    from lsst.resources import ResourcePath

AT_ONCE = 10
"""How many files a server is asked for at the same time."""

CLOCKS_DIFFER = 60 * 10**9
"""How much later (nanoseconds) than its artifact was stored a copy has to be to be later for certain: the
times are of two clocks, and a server tells whole seconds."""

NAMED = 100
_UNFINISHED = ".transfer-tmp"
"""What `lsst.resources` adds to the name of a file while it copies (source: its file.py)."""


_Asked = TypeVar("_Asked")
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Found:
    """An artifact that is there.

    Parameters
    ----------
    size : `int`
        Its size (bytes).
    stored : `int` or `None`
        When its server says that it was stored (nanoseconds since 1970); `None` if it does not, and for a
        local one.
    """

    size: int
    stored: int | None


@dataclass
class Artifacts:
    """The artifacts of one export.

    Parameters
    ----------
    repository : `Repository`
        Where they are.
    item : `Item`
        The declared export.
    export : `int`
        Its number.
    spool : `Spool`
        Gets those that are to be transferred.
    present : `int`
        How many are there already.
    clashes : `list` [ `str` ]
        The first places that two artifacts would be put to.
    """

    repository: Repository
    item: Item
    export: int
    spool: Spool
    present: int = 0
    clashes: list[str] = field(default_factory=list)

    @property
    def wanted(self) -> bool:
        """Whether artifacts are to be beside the export (`bool`)."""
        return self.item.transfer not in IN_PLACE

    def add(
        self, files: Sequence[FileDataset], sources: Mapping[UUID, ResourcePath]
    ) -> tuple[list[FileDataset], list[str]]:
        """Take the artifacts of some datasets.

        Parameters
        ----------
        files : `~collections.abc.Sequence` [ `lsst.daf.butler.FileDataset` ]
            One for each dataset, as the datastore records it.
        sources : `~collections.abc.Mapping`
            Where the artifacts are, by UUID.

        Returns
        -------
        files : `list` [ `lsst.daf.butler.FileDataset` ]
            Those that are there, with their paths in the export.
        lost : `list` [ `str` ]
            The artifacts that are not.

        Raises
        ------
        ButlerError
            Raised if whether an artifact is there can't be told, and if a remote one is to be linked.
        """
        uris = [sources[file.refs[0].id] for file in files]
        if (remote := next((uri for uri in uris if not uri.isLocal), None)) is not None:
            check_links(f"{self.item.option}.transfer", self.item.transfer, remote.geturl())
        held = dict(zip(uris, _at_once(_look_at, uris, uris), strict=True))
        unknown = {uri for uri, found in held.items() if found is None}
        root = self.repository.datastore_root
        gone = gone_among(unknown, [root] if root is not None else []) if unknown else set()
        there = [
            # Of one that has come back meanwhile nothing is known.
            (file, uri, held[uri] or Found(0, None))
            for file, uri in zip(files, uris, strict=True)
            if uri not in gone
        ]
        for file, uri, _unused in there:
            file.path = self._name(file, uri)
        self._note(_at_once(self._copy, there, uris))
        return [file for file, *_unused in there], sorted(map(str, gone))

    def _name(self, file: FileDataset, uri: ResourcePath) -> str:
        """Give the path of an artifact, relative to the export's directory."""
        from lsst.resources import ResourcePath

        path = str(file.path)
        if not is_uri(path) and not path.startswith("/"):
            return path
        # One that was ingested in place gets the name that the datastore would have given it.
        templates = self.repository.templates
        if templates is None:
            raise ButlerError(
                f"{uri} was ingested in place, and the repository has no single rule for a name to give it",
                option=f"{self.item.option}.transfer",
                hint="Use direct.",
            )
        (ref,) = file.refs
        name = templates.getTemplate(ref).format(ref)
        relative = ResourcePath(name, forceAbsolute=False, forceDirectory=False)
        return str(relative.updatedExtension(uri.getExtension()))

    def _copy(self, artifact: tuple[FileDataset, ResourcePath, Found]) -> Copy:
        from lsst.resources import ResourcePath

        file, uri, found = artifact
        directory = ResourcePath(self.item.directory, forceDirectory=True)
        target = directory.join(str(file.path), forceDirectory=False).ospath
        source = uri.ospath if uri.isLocal else uri.geturl()
        kind = file.refs[0].datasetType.name
        return Copy(target, kind, source, found.size, state_at(target, uri, found), found.stored)

    def _note(self, copies: Iterable[Copy]) -> None:
        new: dict[str, Copy] = {}
        for copy in copies:
            other = new[copy.target].source if copy.target in new else self.spool.copied_from(copy.target)
            if other is None:
                new[copy.target] = copy
            elif other != copy.source and len(self.clashes) < NAMED:
                self.clashes.append(f"{copy.target}: {other} and {copy.source}")
        self.present += sum(copy.there == PRESENT for copy in new.values())
        self.spool.add_copies(self.export, new.values())


ABSENT, DIFFERENT, PRESENT = range(3)


def _at_once(
    ask: Callable[[_Asked], _Answer], questions: Sequence[_Asked], uris: Iterable[ResourcePath]
) -> list[_Answer]:
    """Ask for each artifact, several at a time where servers are asked."""
    if all(uri.isLocal for uri in uris):
        return list(map(ask, questions))
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="butler artifacts")
    try:
        return list(pool.map(ask, questions))
    finally:
        pool.shutdown(cancel_futures=True)


def _look_at(uri: ResourcePath) -> Found | None:
    """Tell how large an artifact is, and how old; `None` if it seems not to be there."""
    try:
        if uri.isLocal:
            return Found(os.stat(uri.ospath).st_size, None)  # noqa: PTH116 (one of many)
        # Not size(): of some servers that is 0 for what is not there.
        info = uri.get_info()
        return Found(info.size, modified_at(info.last_modified))
    except FileNotFoundError:
        return None
    except Exception as error:
        # Each kind of storage fails in its own ways.
        raise ButlerError(
            f"artifact {uri} can't be looked at: {first_line(error)}",
            hint="Check servers, credentials and mounts. Nothing was written.",
        ) from None


def modified_at(said: datetime | None) -> int | None:
    """Tell when an artifact was stored.

    Parameters
    ----------
    said : `~datetime.datetime` or `None`
        What its server says.

    Returns
    -------
    stored : `int` or `None`
        In nanoseconds since 1970, to the microsecond; `None` if the server does not say it. A WebDAV server
        has then said the year 1, without a time zone (source: lsst.resources, davutils.py).
    """
    return None if said is None or said.tzinfo is None else round(said.timestamp() * 10**6) * 1000


def state_at(target: str, source: ResourcePath, found: Found) -> int:
    """Tell what is at the place of an artifact.

    Parameters
    ----------
    target : `str`
        Absolute path of the place.
    source : `lsst.resources.ResourcePath`
        The artifact.
    found : `Found`
        What is known of it.

    Returns
    -------
    state : `int`
        `ABSENT`, `DIFFERENT` or `PRESENT`. A copy of another size is different. One that is later than the
        artifact is not, nor one that has the time that the artifact's server says. Otherwise both are read.

    Raises
    ------
    ButlerError
        Raised if a remote artifact can't be read.
    """
    try:
        there = os.stat(target)  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return DIFFERENT if os.path.lexists(target) else ABSENT
    if there.st_size != found.size:
        return DIFFERENT
    if not source.isLocal:
        late = None if found.stored is None else there.st_mtime_ns - found.stored
        if late is not None and (late == 0 or late > CLOCKS_DIFFER):
            return PRESENT
        return PRESENT if _has_content_of(source, target) else DIFFERENT
    origin = os.stat(source.ospath)  # noqa: PTH116
    if os.path.samestat(there, origin) or there.st_mtime_ns >= origin.st_mtime_ns:
        return PRESENT
    # The source was written after the copy, or only moved here.
    return PRESENT if filecmp.cmp(source.ospath, target, shallow=False) else DIFFERENT


def _has_content_of(source: ResourcePath, target: str) -> bool:
    try:
        with source.as_local() as local:
            return filecmp.cmp(local.ospath, target, shallow=False)
    except Exception as error:
        # Each kind of storage fails in its own ways.
        raise ButlerError(
            f"artifact {source} can't be read, to compare it with {target}: {first_line(error)}",
            hint="Check servers, credentials, mounts and the room for temporary files. Nothing was written.",
        ) from error


def transfer(copy: Copy, mode: str, report: Report) -> None:
    """Put an artifact beside the export, whole or not at all.

    Parameters
    ----------
    copy : `Copy`
        What, and where to.
    mode : `str`
        A transfer mode that is not in place.
    report : `Report`
        Counts it; the run may be stopped before.

    Raises
    ------
    ButlerError
        Raised if that is not possible.
    """
    from lsst.resources import ResourcePath

    report.checkpoint()
    target = ResourcePath(copy.target, forceAbsolute=True, forceDirectory=False)
    source = ResourcePath(copy.source, forceAbsolute=True, forceDirectory=False)
    with suppress(OSError):
        # A killed run leaves it, and it would be taken for that of a run that is under way.
        Path(f"{copy.target}{_UNFINISHED}").unlink()
    try:
        target.transfer_from(source, mode, overwrite=copy.there == DIFFERENT)
    except Exception as error:
        # Each kind of storage fails in its own ways.
        raise ButlerError(
            f"artifact {source} can't be put to {copy.target}: {first_line(error)}",
            hint="What is there stays, and the export files are as they were. Run the task again.",
        ) from error
    if copy.stored is not None:
        # It tells the next run that this is the artifact as it was when it was looked at. Where times can't
        # be set that run reads it.
        with suppress(OSError):
            os.utime(copy.target, ns=(copy.stored, copy.stored))
    if copy.there == DIFFERENT:
        report.replaced += 1
    else:
        report.added += 1
