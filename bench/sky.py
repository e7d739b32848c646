# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long sky maps and visits take, beside the bare insertion of the same rows.

``PYTHONPATH=var/collections python -m bench.sky [--sky-map DC2] [--visits LSSTComCam:16000]
[--registry sqlite] [--json FILE]``; each of the first two may be given several times, and without any all is
measured. For each of them: the rows inserted and nothing else (the baseline); the module on a fresh
repository; the module again, with nothing new.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.measure import Figure, measure, report
from bench.sky_work import (
    SKY_MAPS,
    exposures_made,
    fresh_repository,
    sky_map_bare,
    sky_map_patches,
    sky_map_registered,
    visits_bare,
    visits_defined,
)

DETECTORS = {"LSSTComCam": 9, "LSSTCam-imSim": 189, "LSSTCam": 205, "DECam": 62}
ALL_SKY_MAPS = ("DC2", "lsst_cells_v1")
ALL_VISITS = ("LSSTComCam:16000", "LSSTCam-imSim:19852")


def measure_sky_map(folder: str, name: str, registry: Mapping[str, str] | None) -> list[Figure]:
    """Measure one sky map.

    Parameters
    ----------
    folder : `str`
        Where repositories go.
    name : `str`
        One of `SKY_MAPS`.
    registry : `~collections.abc.Mapping` or `None`
        Where the registry is; SQLite if there is none.

    Returns
    -------
    figures : `list` [ `Figure` ]
        The baseline first.
    """
    patches = sky_map_patches(name)
    bare, mine = f"{folder}/{name}-bare", f"{folder}/{name}"
    for repo in (bare, mine):
        fresh_repository(repo, _in_schema(registry, repo))()
    return [
        measure(f"{name}: rows only", patches, sky_map_bare, bare, name),
        measure(f"{name}: butler_skymap", patches, sky_map_registered, mine, name, True),
        measure(f"{name}: butler_skymap, nothing new", patches, sky_map_registered, mine, name, False),
    ]


def measure_visits(
    folder: str, instrument: str, count: int, registry: Mapping[str, str] | None
) -> list[Figure]:
    """Measure the visits of one instrument.

    Parameters
    ----------
    folder : `str`
        Where repositories go.
    instrument : `str`
        Its name.
    count : `int`
        How many visits.
    registry : `~collections.abc.Mapping` or `None`
        Where the registry is; SQLite if there is none.

    Returns
    -------
    figures : `list` [ `Figure` ]
        The baseline first; their rates are in regions of detectors.
    """
    regions = count * DETECTORS[instrument]
    bare, mine = f"{folder}/{instrument}-bare", f"{folder}/{instrument}"
    for repo in (bare, mine):
        fresh_repository(repo, _in_schema(registry, repo))()
        exposures_made(repo, instrument, count)()
    what = f"{instrument}, {count:,} visits"
    return [
        measure(f"{what}: rows only", regions, visits_bare, bare, instrument),
        measure(f"{what}: butler_visits", regions, visits_defined, mine, instrument, True),
        measure(f"{what}: butler_visits, nothing new", regions, visits_defined, mine, instrument, False),
    ]


def _in_schema(registry: Mapping[str, str] | None, repo: str) -> dict[str, str] | None:
    """Give each repository of a server a namespace of its own."""
    if registry is None:
        return None
    name = Path(repo).name.lower().replace("-", "_")
    return {**registry, "namespace": f"bench_{name}"}


@contextlib.contextmanager
def _registry(kind: str) -> Iterator[dict[str, str] | None]:
    if kind == "sqlite":
        yield None
        return
    import os

    from tests.integration.postgres import running_server

    with running_server() as server:
        database = server.new_database()
        os.environ["LSST_DB_AUTH_CREDENTIALS"] = database.credentials()
        yield {"db": database.url}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sky-map", action="append", choices=list(SKY_MAPS), default=None)
    parser.add_argument("--visits", action="append", metavar="INSTRUMENT:NUMBER", default=None)
    parser.add_argument("--registry", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    everything = arguments.sky_map is None and arguments.visits is None
    sky_maps = ALL_SKY_MAPS if everything else arguments.sky_map or ()
    visits = ALL_VISITS if everything else arguments.visits or ()
    with _registry(arguments.registry) as registry:
        for name in sky_maps:
            with tempfile.TemporaryDirectory() as folder:
                _tell(name, measure_sky_map(folder, name, registry), arguments.json)
        for one in visits:
            instrument, _unused, count = one.partition(":")
            with tempfile.TemporaryDirectory() as folder:
                _tell(instrument, measure_visits(folder, instrument, int(count), registry), arguments.json)


def _tell(name: str, figures: list[Figure], path: Path | None) -> None:
    report(figures, figures[0], path.with_stem(f"{path.stem}-{name}") if path else None)


if __name__ == "__main__":
    main()
