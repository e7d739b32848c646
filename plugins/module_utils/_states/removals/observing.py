# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What removals would take away: which datasets, where their files are, which collections lose them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from ansible_collections.rubin.butler.plugins.module_utils._butler.chunks import in_chunks
from ansible_collections.rubin.butler.plugins.module_utils._butler.outages import explain_outage
from ansible_collections.rubin.butler.plugins.module_utils._butler.removal import places_of
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import Assumption
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.removals.declared import FORGET, Declared
from ansible_collections.rubin.butler.plugins.module_utils._states.removals.selected import (
    Names,
    look_up_names,
    members_of,
    nothing_there,
    selected,
)
from ansible_collections.rubin.butler.plugins.module_utils._storage.absence import UnclearError, gone_among

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, CollectionInfo, DatasetRef, Timespan
    from lsst.resources import ResourcePath

CHUNK = 2_000
"""How many datasets the datastore is asked for at once."""

LOOKING = "looking at"

Group: TypeAlias = tuple[str, str]
"""Dataset type and run, or TAGGED collection."""


@dataclass
class Membership:
    """What one collection holds of the datasets of one type that are to go.

    Parameters
    ----------
    collection, type, dataset_type : `str`
        The collection, what sort it is, and the dataset type.
    ids : `collections.Counter` [ `uuid.UUID` ]
        The datasets, each with the number of its memberships: of its validity ranges.
    validity : `collections.Counter` [ `lsst.daf.butler.Timespan` ]
        The validity ranges of a CALIBRATION collection, each with the number of its datasets.
    certified : `set` [ `tuple` [ `uuid.UUID`, `lsst.daf.butler.Timespan` ] ]
        Which dataset has which of them.
    """

    collection: str
    type: str
    dataset_type: str
    ids: Counter[UUID] = field(default_factory=Counter)
    validity: Counter[Timespan] = field(default_factory=Counter)
    certified: set[tuple[UUID, Timespan]] = field(default_factory=set)

    def take(self, identity: UUID, timespan: Timespan | None) -> None:
        """Count a membership, with its validity range if it is a certification."""
        self.ids[identity] += 1
        if timespan is not None:
            self.validity[timespan] += 1
            self.certified.add((identity, timespan))

    def has(self, identity: UUID, timespan: Timespan | None) -> bool:
        """Tell whether a membership was counted."""
        return identity in self.ids if timespan is None else (identity, timespan) in self.certified


@dataclass
class Current:
    """What there is to be removed.

    Parameters
    ----------
    repository : `bool`
        Whether there is a repository.
    missing : `list` [ `Assumption` ]
        What is named and not there.
    present : `int`
        How many of the selected datasets are as declared already.
    totals : `collections.Counter` [ `Group` ]
        How many datasets would go, all of them counted.
    kinds : `dict` [ `Group`, `collections.Counter` [ `str` ] ]
        What is known of their artifacts.
    refs : `dict` [ `Group`, `dict` ]
        The datasets by id; no more of them all than may go.
    partly : `collections.Counter` [ `Group` ]
        Datasets in parts, of which some are gone and some are there.
    memberships : `list` [ `Membership` ]
        Those of the datasets in ``refs``, unless more would go than may.
    protected : `frozenset` [ `str` ]
        Names of the collections that are to keep their datasets.
    """

    repository: bool = False
    missing: list[Assumption] = field(default_factory=list)
    present: int = 0
    totals: Counter[Group] = field(default_factory=Counter)
    kinds: dict[Group, Counter[str]] = field(default_factory=dict)
    refs: dict[Group, dict[UUID, DatasetRef]] = field(default_factory=dict)
    partly: Counter[Group] = field(default_factory=Counter)
    memberships: list[Membership] = field(default_factory=list)
    protected: frozenset[str] = frozenset()

    def take(self, group: Group, ref: DatasetRef, most: int, kinds: Iterable[str] = ()) -> None:
        """Count a dataset that would go, and keep it if it is not one too many."""
        self.totals[group] += 1
        self.kinds.setdefault(group, Counter()).update(kinds)
        if self.totals.total() <= most:
            self.refs.setdefault(group, {})[ref.id] = ref


def look(repository: Repository | None, declared: Declared, report: Report) -> Current:
    """Find out what would go.

    Parameters
    ----------
    repository : `Repository` or `None`
        The repository.
    declared : `Declared`
        What is to be removed.
    report : `Report`
        Told how far it is.

    Returns
    -------
    current : `Current`
        A query for each dataset type, one for each collection and dataset type that loses some, and a look at
        each recorded file for `FORGET`. Its memory grows with the number of datasets that may go.

    Raises
    ------
    ButlerError
        Raised for a selection that is none, and if it can't be told whether an artifact is gone.
    """
    if repository is None:
        return Current(missing=nothing_there(declared))
    if declared.removal == FORGET:
        check_datastore(repository)
    names = look_up_names(repository.butler, declared)
    current = Current(True, names.missing)
    current.protected = frozenset(info.name for info in names.protect)
    most = declared.max_removals
    done = 0
    sort = _sorter(repository, declared, names)
    for chunk in in_chunks(selected(repository.butler, names), CHUNK):
        for ref, kinds in sort(chunk, current):
            current.take((ref.datasetType.name, ref.run), ref, most, kinds)
        done += len(chunk)
        report.step(LOOKING, done, None)
    if declared.removal == "disassociate":
        _by_tag(repository.butler, current, names, most)
    elif current.totals.total() <= most:
        current.memberships = memberships(repository.butler, current.refs)
    return current


def _sorter(
    repository: Repository, declared: Declared, names: Names
) -> Callable[[list[DatasetRef], Current], Iterator[tuple[DatasetRef, tuple[str, ...]]]]:
    """Give what tells the datasets that would go from those that are as declared."""
    root = repository.datastore_root

    def in_tags(chunk: list[DatasetRef], current: Current) -> Iterator[tuple[DatasetRef, tuple[str, ...]]]:
        for ref in chunk:
            if ref.id in members:
                yield ref, ()
            else:
                current.present += 1

    def stored(chunk: list[DatasetRef], current: Current) -> Iterator[tuple[DatasetRef, tuple[str, ...]]]:
        places = places_of(repository, chunk)
        for ref in chunk:
            if ref in places:
                yield ref, tuple({_kind(uri, root) for uri in places[ref]})
            elif declared.removal == "purge":
                yield ref, ("not stored",)
            else:
                current.present += 1

    def unstored(chunk: list[DatasetRef], current: Current) -> Iterator[tuple[DatasetRef, tuple[str, ...]]]:
        gone, partly = gone_of(repository, chunk)
        for ref in chunk:
            if ref in gone:
                yield ref, (gone[ref],)
                continue
            current.present += 1
            current.partly[ref.datasetType.name, ref.run] += ref in partly

    if declared.removal == "disassociate":
        types = sorted({query[1].name for query in names.queries})
        members: set[UUID] = set()
        for info in names.tags:
            members |= members_of(repository.butler, types, info.name)
        return in_tags
    return unstored if declared.removal == FORGET else stored


def _kind(uri: ResourcePath, root: ResourcePath | None) -> str:
    inside = root is None or uri.relative_to(root) is not None
    return "in the datastore" if inside else "outside, stays"


def check_datastore(repository: Repository) -> None:
    """Refuse to look for artifacts that are gone in a datastore of which that can't be told.

    Parameters
    ----------
    repository : `Repository`
        The repository.

    Raises
    ------
    ButlerError
        Raised for a chain of datastores, where another one may have the artifact, and for one that serves
        files that it has no records of.
    """
    roots = repository.butler.get_datastore_roots()
    if len(roots) != 1 or repository.datastore_root is None:
        raise ButlerError(
            f"the repository has {len(roots)} datastores ({', '.join(sorted(roots))}), and what one of them "
            "lacks another may have",
            option="forget_unstored",
            hint="Remove datasets with removal=purge instead.",
        )
    if repository.config.get(("datastore", "trust_get_request"), False):
        raise ButlerError(
            "the datastore serves files that it has no records of (trust_get_request), so that nobody can "
            "tell which are gone",
            option="forget_unstored",
        )


def gone_of(
    repository: Repository, refs: Collection[DatasetRef]
) -> tuple[dict[DatasetRef, str], set[DatasetRef]]:
    """Find datasets whose artifacts are gone.

    Parameters
    ----------
    repository : `Repository`
        The repository.
    refs : `~collections.abc.Collection` [ `lsst.daf.butler.DatasetRef` ]
        Datasets.

    Returns
    -------
    gone : `dict` [ `lsst.daf.butler.DatasetRef`, `str` ]
        Those of which nothing is left, and what is the matter with them.
    partly : `set` [ `lsst.daf.butler.DatasetRef` ]
        Those of which some parts are gone.

    Raises
    ------
    ButlerError
        Raised if it can't be told of one.
    """
    root = repository.datastore_root
    places = places_of(repository, refs)
    files = {uri for uris in places.values() for uri in uris}
    try:
        absent = gone_among(files, [root] if root is not None else [])
    except UnclearError as error:
        outage = explain_outage(error, repository.config, sorted(map(str, files)))
        raise ButlerError(
            error.message, option="forget_unstored", hint=f"{outage or ''}{error.hint or ''}"
        ) from error
    gone: dict[DatasetRef, str] = {}
    partly: set[DatasetRef] = set()
    for ref in refs:
        uris = places.get(ref, ())
        if all(uri in absent for uri in uris):
            gone[ref] = "artifact gone" if uris else "never stored"
        elif any(uri in absent for uri in uris):
            partly.add(ref)
    return gone, partly


def _by_tag(butler: Butler, current: Current, names: Names, most: int) -> None:
    """Count memberships instead of datasets, by TAGGED collection instead of run."""
    types = sorted({dataset_type for dataset_type, _unused in current.totals})
    kept = {ref.id: ref for refs in current.refs.values() for ref in refs.values()}
    if current.totals.total() > most:
        return
    current.totals, current.kinds, current.refs = Counter(), {}, {}
    for info in names.tags:
        for name in types:
            for identity in members_of(butler, [name], info.name) & kept.keys():
                current.take((name, info.name), kept[identity], most)


def memberships(butler: Butler, refs: Mapping[Group, Mapping[UUID, DatasetRef]]) -> list[Membership]:
    """Find the TAGGED and CALIBRATION collections that hold datasets.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    refs : `~collections.abc.Mapping`
        Datasets by dataset type and run.

    Returns
    -------
    found : `list` [ `Membership` ]
        By collection and dataset type. A query for each of which the collection has had datasets.
    """
    by_type: dict[str, set[UUID]] = {}
    for (name, _unused), group in refs.items():
        by_type.setdefault(name, set()).update(group)
    if not by_type:
        return []
    found = []
    for info in holders(butler, sorted(by_type)):
        for name in sorted(by_type.keys() & (info.dataset_types or ())):
            member = Membership(info.name, info.type.name, name)
            for item in butler.registry.queryDatasetAssociations(
                name, [info.name], collectionTypes={info.type}, flattenChains=False
            ):
                if item.ref.id in by_type[name]:
                    member.take(item.ref.id, item.timespan)
            if member.ids:
                found.append(member)
    return found


def holders(butler: Butler, dataset_types: list[str]) -> list[CollectionInfo]:
    """Find the TAGGED and CALIBRATION collections.

    Parameters
    ----------
    butler : `lsst.daf.butler.Butler`
        The repository.
    dataset_types : `list` [ `str` ]
        Names of the dataset types to tell of.

    Returns
    -------
    infos : `list` [ `lsst.daf.butler.CollectionInfo` ]
        All of them by name, each with those of the dataset types of which it has had datasets.
    """
    from lsst.daf.butler import CollectionType

    infos = butler.collections.query_info(
        "*",
        collection_types={CollectionType.TAGGED, CollectionType.CALIBRATION},
        include_summary=True,
        summary_datasets=dataset_types,
    )
    return sorted(infos, key=lambda info: info.name)
