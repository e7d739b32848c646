# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown of certifications: groups of data IDs that become or cease to be valid together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.data_ids import named
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import EXAMPLES, Change
from ansible_collections.rubin.butler.plugins.module_utils._states.certify.spans import Span

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef

KIND = "certifications"


@dataclass(frozen=True, order=True)
class Group:
    """Datasets that are declared together.

    Parameters
    ----------
    name : `str`
        The declared name or pattern of their dataset type.
    collection : `str`
        The CALIBRATION collection.
    span : `Span` or `None`
        The declared range; `None` for what is pruned, of any range.
    """

    name: str
    collection: str
    span: Span | None

    def __str__(self) -> str:
        return self.worded("")

    def worded(self, word: str) -> str:
        """Name the group with what becomes of it.

        Parameters
        ----------
        word : `str`
            Such as ``replaced``; may be empty.

        Returns
        -------
        text : `str`
            Unique among the changes of a plan.
        """
        when = f" ({self.span})" if self.span is not None else ""
        return f"{self.name} {word}{' ' if word else ''}in {self.collection}{when}"


@dataclass
class _Some:
    """Datasets of a group that have one fate."""

    refs: list[DatasetRef] = field(default_factory=list)
    spans: set[Span] = field(default_factory=set)
    others: set[str] = field(default_factory=set)


class Shown:
    """Counts what becomes of data IDs, group by group."""

    def __init__(self) -> None:
        self._present: dict[Group, int] = defaultdict(int)
        self._kept: dict[Group, int] = defaultdict(int)
        self._added: dict[Group, _Some] = defaultdict(_Some)
        self._replaced: dict[Group, _Some] = defaultdict(_Some)
        self._removed: dict[Group, _Some] = defaultdict(_Some)

    def present(self, group: Group, *, kept: bool) -> None:
        """Count one for which nothing is to be done.

        Parameters
        ----------
        group : `Group`
            Where it belongs.
        kept : `bool`
            Whether that is because others are kept.
        """
        self._present[group] += not kept
        self._kept[group] += kept

    def added(self, group: Group, ref: DatasetRef, spans: Iterable[Span], *, kept: bool) -> None:
        """Count one that becomes valid.

        Parameters
        ----------
        group : `Group`
            Where it belongs.
        ref : `lsst.daf.butler.DatasetRef`
            The dataset.
        spans : `~collections.abc.Iterable` [ `Span` ]
            When.
        kept : `bool`
            Whether others are kept beside it.
        """
        self._added[group].refs.append(ref)
        self._added[group].spans.update(spans)
        self._kept[group] += kept

    def replaced(self, group: Group, ref: DatasetRef, others: Iterable[str]) -> None:
        """Count one that takes the place of others.

        Parameters
        ----------
        group : `Group`
            Where it belongs.
        ref : `lsst.daf.butler.DatasetRef`
            The dataset.
        others : `~collections.abc.Iterable` [ `str` ]
            The runs of those that make room.
        """
        self._replaced[group].refs.append(ref)
        self._replaced[group].others.update(others)

    def removed(self, group: Group, ref: DatasetRef, span: Span) -> None:
        """Count a range that ends.

        Parameters
        ----------
        group : `Group`
            Where it belongs.
        ref : `lsst.daf.butler.DatasetRef`
            What was valid.
        span : `Span`
            The time at which it no longer is.
        """
        self._removed[group].refs.append(ref)
        self._removed[group].spans.add(span)
        self._removed[group].others.add(ref.run)

    def changes(self, unresolved: Iterable[Group]) -> list[Change]:
        """Give the changes.

        Parameters
        ----------
        unresolved : `~collections.abc.Iterable` [ `Group` ]
            Groups of which it is not known yet what is in them.

        Returns
        -------
        changes : `list` [ `Change` ]
            One for each group and what becomes of it.
        """
        waiting = set(unresolved)
        changes = []
        for group in sorted({*self._added, *waiting}, key=str):
            before, some = self._present[group], self._added.get(group, _Some())
            after: dict[str, Any] = {"datasets": before + len(some.refs)}
            if some.spans - {group.span}:
                after["only"] = _texts(some.spans)
            changes.append(
                Change.add(
                    KIND,
                    str(group),
                    "the selected datasets" if group in waiting else after,
                    before={"datasets": before} if before else None,
                    count=len(some.refs),
                    examples=_examples(some.refs),
                    unresolved=group in waiting,
                )
            )
        for group, some in sorted(self._replaced.items(), key=lambda item: str(item[0])):
            count = len(some.refs)
            changes.append(
                Change.replace(
                    KIND,
                    group.worded("replaced"),
                    {"datasets": count, "runs": sorted(some.others)},
                    {"datasets": count, "runs": sorted({ref.run for ref in some.refs})},
                    count=count,
                    examples=_examples(some.refs),
                )
            )
        for group, some in sorted(self._removed.items(), key=lambda item: str(item[0])):
            before_it: dict[str, Any] = {"certifications": len(some.refs), "runs": sorted(some.others)}
            if some.spans - {group.span}:
                before_it["ranges"] = _texts(some.spans)
            changes.append(
                Change.remove(
                    KIND,
                    group.worded("no longer" if group.span is not None else "that nothing declares"),
                    before_it,
                    count=len(some.refs),
                    examples=_examples(some.refs),
                )
            )
        return changes

    def notices(self) -> list[str]:
        """Tell what is kept.

        Returns
        -------
        notices : `list` [ `str` ]
            One for each group.
        """
        return [
            f"{group}: kept what is valid of {count} data IDs and is not what was asked for"
            for group, count in sorted(self._kept.items(), key=lambda item: str(item[0]))
            if count
        ]


def _examples(refs: Sequence[DatasetRef]) -> tuple[str, ...]:
    first = sorted(refs, key=lambda ref: (ref.datasetType.name, ref.dataId.required_values))[:EXAMPLES]
    return tuple(map(named, first))


def _texts(spans: Iterable[Span]) -> list[str]:
    items = sorted(spans)
    more = len(items) - EXAMPLES
    return [*map(str, items[:EXAMPLES]), *([f"{more} more"] if more > 0 else [])]
