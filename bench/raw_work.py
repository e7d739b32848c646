# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pieces of work that `bench.raws` measures, each in a process of its own.

Every function imports what its work takes and returns the work. So what is timed is what is done after the
imports: opening the repository, and all that follows.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

INSTRUMENT = "LSSTComCam"
RUN = f"{INSTRUMENT}/raw/all"


def options() -> dict[str, dict[str, Any]]:
    """Give the options of ``butler_raws`` as its argument spec has them.

    Returns
    -------
    options : `dict`
        Their specs by name.
    """
    from ansible_collections.rubin.butler.plugins.modules import butler_raws

    with mock.patch.object(butler_raws, "run_state") as run_state:
        butler_raws.main()
    spec: dict[str, dict[str, Any]] = run_state.call_args.args[0]
    return spec


def parameters(sources: Sequence[str], **params: Any) -> dict[str, Any]:
    """Give the arguments of a task, with the module's defaults for the rest.

    Parameters
    ----------
    sources : `~collections.abc.Sequence` [ `str` ]
        The sources.
    **params
        Other options.

    Returns
    -------
    params : `dict`
        What the module would hand on.

    Raises
    ------
    ValueError
        Raised if the module has no such option.
    """
    spec = options()
    given = {"instrument": INSTRUMENT, "sources": list(sources), "transfer": "direct", **params}
    if unknown := given.keys() - spec.keys():
        raise ValueError(f"butler_raws has no option {', '.join(sorted(unknown))}")
    return {name: given.get(name, option.get("default")) for name, option in spec.items()}


def fresh_repository(repo: str, registry: dict[str, str] | None) -> Callable[[], None]:
    """Prepare the making of a repository with the instrument in it.

    Parameters
    ----------
    repo : `str`
        Its root.
    registry : `dict` or `None`
        ``db`` and ``namespace`` of its registry; SQLite if there are none.

    Returns
    -------
    work : `~collections.abc.Callable`
        Makes it.
    """
    from ansible_collections.rubin.butler.plugins.module_utils._states.instruments import InstrumentsState
    from lsst.daf.butler import Butler, Config

    def run() -> None:
        Butler.makeRepo(repo, Config({"registry": registry}) if registry else None)
        params = {"instruments": [INSTRUMENT], "definitions": {}, "on_conflict": "fail"}
        _converge(InstrumentsState.from_params(params), repo)

    return run


def ours(
    repo: str, params: dict[str, Any], added: int | None, check_mode: bool = False
) -> Callable[[], None]:
    """Prepare our ingest.

    Parameters
    ----------
    repo : `str`
        The repository.
    params : `dict`
        From `parameters`.
    added : `int` or `None`
        How many raws it has to add; `None` if it may be any number.
    check_mode : `bool`, optional
        Only tell.

    Returns
    -------
    work : `~collections.abc.Callable`
        Ingests, or tells what it would.
    """
    from ansible_collections.rubin.butler.plugins.module_utils._states.raws.state import RawsState

    _import_all()

    def run() -> None:
        outcome = _converge(RawsState.from_params(params), repo, check_mode=check_mode)
        found = sum(
            (change.after or {}).get("datasets", 0) for change in outcome.changes if change.kind == "raws"
        )
        if added is not None and found != added:
            raise RuntimeError(f"{found} raws were added, and {added} are new")

    return run


def official(repo: str, sources: Sequence[str], expected: int) -> Callable[[], None]:
    """Prepare the official procedure.

    Parameters
    ----------
    repo : `str`
        The repository.
    sources : `~collections.abc.Sequence` [ `str` ]
        The directories.
    expected : `int`
        How many raws there have to be in the end.

    Returns
    -------
    work : `~collections.abc.Callable`
        Ingests.
    """
    from ansible_collections.rubin.butler.plugins.module_utils._butler.formatters import formatter_class
    from ansible_collections.rubin.butler.plugins.module_utils._instruments.catalogue import find_built_in
    from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.translate import (
        translator_of,
    )
    from lsst.daf.butler import Butler

    from bench.official_raws import OfficialIngest

    _import_all()
    translator_of(INSTRUMENT)
    definition = find_built_in(INSTRUMENT)
    assert definition is not None
    formatter = formatter_class(definition.raw_formatter)

    def run() -> None:
        with Butler.from_config(repo, writeable=True) as butler:
            found = OfficialIngest(butler, INSTRUMENT, formatter).run(sources)
        if found != expected:
            raise RuntimeError(f"{found} raws were ingested, and there are {expected}")

    return run


def read_once(folder: str) -> Callable[[], None]:
    """Prepare the reading of all files, so that whoever is measured first finds them in memory too."""

    def run() -> None:
        for path in Path(folder).rglob("*.fits"):
            path.read_bytes()

    return run


def compare(first: str, second: str, *, whole: bool) -> Callable[[], None]:
    """Prepare the comparison of what two repositories hold.

    Parameters
    ----------
    first, second : `str`
        The repositories.
    whole : `bool`
        Whether they hold the same; else the second has all that the first has.

    Returns
    -------
    work : `~collections.abc.Callable`
        Raises `RuntimeError` if they differ in a record of an exposure, its group or day, or in a raw's id,
        data ID, run or place.
    """

    def run() -> None:
        one, other = set(_contents(first)), set(_contents(second))
        different = sorted((one ^ other) if whole else (one - other))
        if different or not one:
            raise RuntimeError(f"{first} and {second} differ in {len(different)} lines: {different[:4]}")

    return run


def _contents(repo: str) -> Iterator[str]:
    from lsst.daf.butler import Butler

    with Butler.from_config(repo) as butler:
        for element in ("day_obs", "group", "exposure"):
            for record in butler.query_dimension_records(element, explain=False, limit=None):
                yield f"{element} {sorted(record.toDict().items())}"
        refs = butler.query_datasets("raw", collections=RUN, explain=False, limit=None)
        for ref, places in butler.get_many_uris(refs).items():
            yield f"raw {ref.id} {ref.dataId} {ref.run} {places.primaryURI}"


def _converge(state: Any, repo: str, *, check_mode: bool = False) -> Any:
    from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import open_repository
    from ansible_collections.rubin.butler.plugins.module_utils._convergence.loop import converge
    from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report

    repository = open_repository(repo, writeable=not check_mode)
    with repository.butler:
        return converge(state, repository, check_mode=check_mode, report=Report())


def _import_all() -> None:
    """Import what both ways of ingesting take."""
    for name in ("lsst.daf.butler", "astro_metadata_translator.indexing", "astropy.io.fits", "yaml"):
        importlib.import_module(name)
