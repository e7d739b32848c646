# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certifications as they are declared, checked without looking at a repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._states.certify.spans import Span, parse_span


@dataclass(frozen=True)
class Entry:
    """Datasets that are declared to be valid for a time in a collection, or not to be.

    Parameters
    ----------
    collection : `str`
        The CALIBRATION collection.
    certification, option : `str`
        The options that declare the certification and these of its datasets.
    span : `Span`
        The validity range.
    present : `bool`
        Whether they are to be valid.
    dataset_types : `tuple` [ `str`, ... ]
        Names and patterns.
    collections : `tuple` [ `str`, ... ]
        Names and patterns of the collections to take datasets from; empty, which only those that are not to
        be valid may have, for whatever the CALIBRATION collection has.
    where : `str`
        Expression that restricts them; empty for none.
    bind : `~collections.abc.Mapping`
        Values of the identifiers in ``where``.
    data_ids : `tuple` [ `~collections.abc.Mapping`, ... ]
        Data IDs, or parts of them, that restrict them too; empty for none.
    prune : `bool`
        Whether nothing else of these dataset types is to be valid at any time.
    """

    collection: str
    certification: str
    option: str
    span: Span = field(default_factory=Span)
    present: bool = True
    dataset_types: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    where: str = ""
    bind: Mapping[str, Any] = field(default_factory=dict)
    data_ids: tuple[Mapping[str, Any], ...] = ()
    prune: bool = False


def declared_entries(items: Sequence[Mapping[str, Any]]) -> tuple[Entry, ...]:
    """Make certifications from a module's checked arguments.

    Parameters
    ----------
    items : `~collections.abc.Sequence`
        The value of ``certifications``.

    Returns
    -------
    entries : `tuple` [ `Entry`, ... ]
        In the order of the task.

    Raises
    ------
    ButlerError
        Raised if a range is not one, or it is not said which datasets are meant.
    """
    entries: list[Entry] = []
    for index, item in enumerate(items):
        option = f"certifications[{index}]"
        span = parse_span(item["begin"], item["end"], option)
        present = item["state"] == "present"
        if item["prune"] and not present:
            raise ButlerError(
                "prune is about what is not declared to be present; it can't go with state: absent",
                option=f"{option}.prune",
            )
        if not item["datasets"]:
            raise ButlerError("at least one selection is needed", option=f"{option}.datasets")
        for number, datasets in enumerate(item["datasets"]):
            entries.append(_entry(item, datasets, option, f"{option}.datasets[{number}]", span, present))
    _check_whole_absences(entries)
    return tuple(entries)


def _check_whole_absences(entries: Sequence[Entry]) -> None:
    """Refuse that whatever there is of a dataset type is absent while some of it is declared present.

    Whatever the two are about besides, the one would undo the other in every run.
    """
    for absent in entries:
        if absent.present or absent.collections:
            continue
        for entry in entries:
            if (
                entry.present
                and entry.collection == absent.collection
                and entry.span.overlaps(absent.span)
                and any(
                    fnmatchcase(one, two) or fnmatchcase(two, one)
                    for one in entry.dataset_types
                    for two in absent.dataset_types
                )
            ):
                raise ButlerError(
                    f"{entry.option} declares datasets of the same dataset type present in "
                    f"{entry.collection} ({entry.span}), and this whatever there is absent ({absent.span})",
                    option=absent.option,
                    hint="To have only what is declared, leave this out and set prune: true there. Name "
                    "collections here for datasets that make room for others.",
                )


def _entry(
    item: Mapping[str, Any],
    datasets: Mapping[str, Any],
    certification: str,
    option: str,
    span: Span,
    present: bool,
) -> Entry:
    collection = item["collection"]
    if not datasets["dataset_type"]:
        raise ButlerError("at least one is needed", option=f"{option}.dataset_type")
    if present and not datasets["collections"]:
        raise ButlerError(
            "the collections that have the datasets are needed to certify them",
            option=f"{option}.collections",
        )
    if datasets["collections"] is not None and not datasets["collections"]:
        raise ButlerError(
            "there is no collection",
            option=f"{option}.collections",
            hint="Leave the option out for whatever the CALIBRATION collection has.",
        )
    if collection in (datasets["collections"] or ()):
        raise ButlerError(
            f"{collection} can't be selected from itself",
            option=f"{option}.collections",
            hint="" if present else "Leave the option out for whatever the CALIBRATION collection has.",
        )
    return Entry(
        collection=collection,
        certification=certification,
        option=option,
        span=span,
        present=present,
        dataset_types=tuple(dict.fromkeys(datasets["dataset_type"])),
        collections=tuple(dict.fromkeys(datasets["collections"] or ())),
        where=datasets["where"] or "",
        bind=datasets["bind"] or {},
        data_ids=_data_ids(datasets["data_ids"], f"{option}.data_ids"),
        prune=item["prune"],
    )


def _data_ids(items: Sequence[Mapping[str, Any]] | None, option: str) -> tuple[Mapping[str, Any], ...]:
    if items is None:
        return ()
    if not items:
        raise ButlerError("there is no data ID", option=option, hint="Leave the option out to select all.")
    for index, item in enumerate(items):
        if not item or not all(
            isinstance(value, (str, int)) and not isinstance(value, bool) for value in item.values()
        ):
            raise ButlerError(
                f"{dict(item)!r} is not a data ID; names of dimensions with a number or a text each are "
                "expected",
                option=f"{option}[{index}]",
            )
    return tuple(items)
