# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an instrument's own class writes as curated calibrations, in a repository that is thrown away.

Sources: obs_base, ``Instrument.writeCuratedCalibrations`` (its arguments, and that it puts and certifies anew
each time, so that a second call in one repository fails) and the command ``write-curated-calibrations``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import (
    Repository,
    first_line,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._instruments.catalogue import find_built_in
from ansible_collections.rubin.butler.plugins.module_utils._instruments.official import (
    ClassUnusableError,
    load_class,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.imports.datasets import members

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef
    from lsst.pipe.base import Instrument

METHOD = "writeCuratedCalibrations"

EXPORT = "export.yaml"
_ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


def instrument_of(repository: Repository | None, wanted: str) -> Instrument:
    """Find the class of an instrument.

    Parameters
    ----------
    repository : `Repository` or `None`
        The repository; `None` if it is absent.
    wanted : `str`
        Name of the instrument, as it is registered or built in, or of its class.

    Returns
    -------
    instrument : `lsst.pipe.base.Instrument`
        One that can write curated calibrations.

    Raises
    ------
    ButlerError
        Raised where that can't be had, naming the two ways out.
    """
    class_name = wanted
    if "." not in wanted:
        known = find_built_in(wanted)
        class_name = known.class_name if known is not None else wanted
        if repository is not None:
            records = repository.butler.query_dimension_records("instrument", explain=False)
            class_name = next(
                (each.class_name for each in records if each.name == wanted and each.class_name), class_name
            )
    try:
        instrument = load_class(class_name)
        if not callable(getattr(instrument, METHOD, None)):
            raise ClassUnusableError(f"{class_name} has no {METHOD}")
    except ClassUnusableError as error:
        raise ButlerError(
            f"the curated calibrations of {wanted} can't be written on this host: {error}",
            option="instrument",
            hint="They are made by the instrument's own obs package. Either run this task on a host that has "
            "the Science Pipelines, with their Python as ansible_python_interpreter; or export there what "
            "was written (butler export-calibs, or rubin.butler.butler_export) and import that here with "
            "rubin.butler.butler_import.",
        ) from None
    return instrument


def write_aside(
    instrument: Instrument,
    folder: Path,
    labels: Sequence[str],
    collection: str | None,
    repository: Repository | None,
) -> Path:
    """Let an instrument write its curated calibrations into a new repository, and export them.

    Parameters
    ----------
    instrument : `lsst.pipe.base.Instrument`
        The instrument.
    folder : `~pathlib.Path`
        An empty folder; the new repository is ``repo`` in it.
    labels : `~collections.abc.Sequence` [ `str` ]
        Parts of the names of all collections.
    collection : `str` or `None`
        The CALIBRATION collection; by default the instrument names it.
    repository : `Repository` or `None`
        Has the dimensions to use, and the datasets that are there already: those of the same run, dataset
        type and data ID lend their ids to the new ones.

    Returns
    -------
    export : `~pathlib.Path`
        The export; paths in it are relative to the new repository.

    Raises
    ------
    ButlerError
        Raised if the instrument's class fails, or writes nothing.
    """
    from lsst.daf.butler import Butler

    dimensions = repository.butler.dimensions.dimensionConfig if repository is not None else None
    root = folder / "repo"
    Butler.makeRepo(str(root), dimensionConfig=dimensions)
    export = folder / EXPORT
    with Butler.from_config(str(root), writeable=True) as butler:
        try:
            instrument.register(butler.registry)
            getattr(instrument, METHOD)(butler, collection=collection, labels=tuple(labels))
        except Exception as error:
            # What an obs package can raise has no common base.
            raise ButlerError(
                f"{type(instrument).__name__}.{METHOD} failed in a new repository: {first_line(error)}",
                option="instrument",
                hint="Nothing was written to the repository.",
            ) from error
        refs = _export(butler, export)
    if not refs:
        raise ButlerError(f"{type(instrument).__name__}.{METHOD} has written nothing", option="instrument")
    if repository is not None:
        _take_ids(export, refs, repository.butler)
    return export


def _export(butler: Butler, file: Path) -> list[DatasetRef]:
    """Export all that is in a repository but the records, which are another task's."""
    from lsst.daf.butler import CollectionType

    runs = sorted(butler.collections.query("*", collection_types=CollectionType.RUN))
    others = sorted(set(butler.collections.query("*")) - set(runs))
    kinds = sorted(kind.name for kind in butler.registry.queryDatasetTypes())
    refs = [ref for kind in kinds for run in runs for ref in sorted(members(butler, kind, run))]
    with butler.export(filename=str(file), format="yaml", transfer=None) as export:
        export.saveDatasets(refs, elements=())
        for collection in others:
            export.saveCollection(collection)
    return refs


def _take_ids(export: Path, refs: Sequence[DatasetRef], butler: Butler) -> None:
    """Give datasets the ids of those that a repository has in their place."""
    there: dict[tuple[str, str], dict[Any, DatasetRef]] = {}
    known: dict[str, str] = {}
    for ref in refs:
        group = (ref.datasetType.name, ref.run)
        if group not in there:
            there[group] = {each.dataId.required_values: each for each in members(butler, *group)}
        if ref.dataId.required_values in there[group]:
            known[str(ref.id)] = str(there[group][ref.dataId.required_values].id)
    text = _ID.sub(lambda match: known.get(match[0], match[0]), export.read_text())
    export.write_text(text)
