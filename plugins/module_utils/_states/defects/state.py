# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Defects of a camera are those that its bad-pixel masks have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.configured_formatters import (
    configured_formatter,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.formatters import formatter_class
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository, required
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.plan import (
    Assumption,
    Plan,
    first_few,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.dataset_types import Definition
from ansible_collections.rubin.butler.plugins.module_utils._states.defects.declared import (
    DefectsType,
    Source,
    declared_sources,
    declared_types,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.defects.masks import (
    chosen,
    files_of,
    read_mask,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.defects.rectangles import (
    cover_the_same,
    pixels_of,
    rectangles_of,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.defects.tables import (
    from_fits,
    keywords_of,
    to_fits,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.made.found import (
    Current as Held,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.made.found import (
    Found,
    Made,
    look,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.made.planning import Work, plan_made
from ansible_collections.rubin.butler.plugins.module_utils._states.made.stored import read_stored
from ansible_collections.rubin.butler.plugins.module_utils._states.made.writing import BATCH, write_made

if TYPE_CHECKING:
    import numpy
    from lsst.resources import ResourcePath
    from numpy.typing import NDArray

DEFINITION = Definition(("instrument", "detector"), "Defects", is_calibration=True)
"""What dataset types of defects are (``lsst.obs.base`` registers ``defects`` as that)."""

EXTENSION = ".fits"


@dataclass(frozen=True)
class Content:
    """What is stored of a detector.

    Parameters
    ----------
    rectangles : `numpy.ndarray` of `int`, (n, 4)
        ``x0, y0, width, height``.
    keywords : `~collections.abc.Mapping`
        What is in the header.
    """

    rectangles: NDArray[numpy.int64]
    keywords: Mapping[str, Any]


@dataclass
class Current:
    """The masks, and what a repository has of them.

    Parameters
    ----------
    held : `Held`
        What there is of the datasets.
    without : `list` [ `int` ]
        Detectors that were declared and have no mask.
    """

    held: Held
    without: list[int] = field(default_factory=list)


@dataclass
class DefectsState:
    """The declared defects.

    Parameters
    ----------
    instrument : `str`
        Name of the instrument.
    sources : `tuple` [ `Source`, ... ]
        Where its masks are.
    types : `tuple` [ `DefectsType`, ... ]
        What is made of them.
    detectors : `tuple` [ `int`, ... ] or `None`
        The detectors; by default those of which there is a mask.
    keyword : `str`
        The keyword of a header that has the detector.
    on_conflict : {"fail", "keep", "replace"}
        What to do about datasets of other pixels.
    on_missing : {"fail", "skip"}
        What to do about detectors without a mask.
    batch_size : `int`
        Most datasets in a transaction.
    """

    instrument: str
    sources: tuple[Source, ...]
    types: tuple[DefectsType, ...]
    detectors: tuple[int, ...] | None
    keyword: str
    on_conflict: str
    on_missing: str
    batch_size: int = BATCH
    _report: Report = field(default_factory=Report)

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> DefectsState:
        """Make the state from a module's checked arguments.

        Parameters
        ----------
        params : `~collections.abc.Mapping`
            The options of the module.

        Returns
        -------
        state : `DefectsState`
            The declared state.

        Raises
        ------
        ButlerError
            Raised for sources and dataset types that can't be, and no detectors at all.
        """
        sources = declared_sources(params["sources"])
        detectors = params["detectors"]
        if detectors is not None and not detectors:
            raise ButlerError(
                "at least one is needed; without this option those that have a mask are taken",
                option="detectors",
            )
        return cls(
            instrument=params["instrument"],
            sources=sources,
            types=declared_types(params["dataset_types"], sources),
            detectors=None if detectors is None else tuple(sorted(set(detectors))),
            keyword=params["detector_keyword"],
            on_conflict=params["on_conflict"],
            on_missing=params["on_missing"],
        )

    def watch(self, report: Report) -> None:
        """Take the report that `observe` tells its steps.

        Parameters
        ----------
        report : `Report`
            The one of the run.
        """
        self._report = report

    def observe(self, repository: Repository | None) -> Current:
        """Read the masks, and what is stored.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.

        Returns
        -------
        current : `Current`
            What is there. The masks of one detector are in memory at a time.

        Raises
        ------
        ButlerError
            Raised for masks that are not there or can't be read, and if what is stored can't be read now.
        """
        files = {source.name: files_of(source, self.keyword) for source in self.sources}
        there = {detector for found in files.values() for detector in found}
        wanted = sorted(there) if self.detectors is None else self.detectors
        made: list[Made] = []
        for done, detector in enumerate(detector for detector in wanted if detector in there):
            self._report.step("reading", done, len(wanted))
            made += self._made(detector, files)
        definitions = {item.name: DEFINITION for item in self.types}
        made.sort(key=lambda item: (item.run, item.dataset_type, item.data_id["detector"]))
        held = look(repository, made, definitions, extension=EXTENSION, differs=_differs)
        return Current(held, [detector for detector in wanted if detector not in there])

    def _made(self, detector: int, files: Mapping[str, Mapping[int, str]]) -> Iterator[Made]:
        used = {part.source for item in self.types for part in item.pixels}
        masks = {
            name: read_mask(found[detector], detector, self.keyword)
            for name, found in files.items()
            if name in used and detector in found
        }
        if len({mask.shape for mask in masks.values()}) > 1:
            shapes = [
                f"{files[name][detector]}: {mask.shape[1]} x {mask.shape[0]}" for name, mask in masks.items()
            ]
            raise ButlerError(
                f"the masks of detector {detector} are of different sizes", option="sources", details=shapes
            )
        for item in self.types:
            rectangles = rectangles_of(chosen(masks, item.pixels))
            yield Made(
                item.name,
                item.run,
                {"instrument": self.instrument, "detector": detector},
                f"detector {detector}",
                _shown(rectangles),
                Content(rectangles, keywords_of(self.instrument, detector, item.metadata)),
            )

    def plan(self, current: Current) -> Plan[Work]:
        """Tell what is missing and what differs.

        Parameters
        ----------
        current : `Current`
            From `observe`.

        Returns
        -------
        plan : `Plan` [ `Work` ]
            What to store.
        """
        plan = plan_made(current.held, self.on_conflict, "instrument")
        if not current.without:
            return plan
        listed = first_few(current.without)
        if self.on_missing == "fail":
            plan.assumes.append(Assumption("a mask of detectors", listed, "detectors"))
            return plan
        plan.skipped += len(current.without)
        plan.notices.append(f"left out {len(current.without)} detectors that have no mask: {listed}")
        return plan

    def apply(self, repository: Repository | None, plan: Plan[Work], report: Report) -> None:
        """Register what is missing, then store batch by batch.

        Parameters
        ----------
        repository : `Repository` or `None`
            The repository.
        plan : `Plan` [ `Work` ]
            From `plan`.
        report : `Report`
            Counts what is written.
        """
        repository = required(repository)

        def store(items: Sequence[Found]) -> None:
            _ingest(repository, items)

        write_made(repository, plan.work, report, store, self.batch_size)


def _shown(rectangles: NDArray[numpy.int64]) -> dict[str, int]:
    return {"rectangles": len(rectangles), "pixels": pixels_of(rectangles)}


def _differs(repository: Repository, item: Found, uri: ResourcePath) -> Mapping[str, object] | None:
    stored = read_stored(repository, uri)
    if stored is None:
        return {"content": "its file is gone"}
    content: Content = item.made.content
    try:
        rectangles, header = from_fits(stored)
    except ButlerError as error:
        return {"content": error.message}
    others = {key: header.get(key) for key, value in content.keywords.items() if header.get(key) != value}
    if cover_the_same(rectangles, content.rectangles):
        return others or None
    return {**_shown(rectangles), **others}


def _ingest(repository: Repository, items: Sequence[Found]) -> None:
    from lsst.daf.butler import FileDataset

    with TemporaryDirectory(prefix="rubin-butler-") as folder:
        files = []
        for number, item in enumerate(items):
            path = Path(folder, f"{number}{EXTENSION}")
            path.write_bytes(to_fits(item.made.content.rectangles, item.made.content.keywords))
            # The class that reads them is in the Science Pipelines; its name is recorded.
            name = configured_formatter(
                repository, item.ref.datasetType, str(item.made.data_id["instrument"])
            )
            formatter = formatter_class(name) if name else None
            files.append(FileDataset(str(path), [item.ref], formatter=formatter))
        repository.butler.ingest(*files, transfer="copy", skip_existing=True)
