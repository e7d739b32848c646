# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long butler_raws takes, beside the official procedure on the same files and the same database.

``PYTHONPATH=var/collections python -m bench.raws [--exposures 2223] [--registry sqlite] [--out FILE]``: for a
registry in SQLite and one in PostgreSQL, with transfer direct and nine files an exposure, the official
procedure and ours each fill a fresh repository, once from headers and once from ``_index.json``, and are run
again. Each work has a process of its own; time begins after its imports, with the opening of the repository.
What was ingested is compared.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench import raw_work as work
from bench.measure import Figure, host, measure
from bench.raw_data import FILES, late_exposures, make_data, show_sidecars, sources
from bench.raws_picture import draw

OUT = Path("var/bench/raws.json")
REGISTRIES = ("sqlite", "postgresql")

WORKS = {
    "official_headers": "official, headers read",
    "official_headers_again": "official, headers read, nothing new",
    "official_sidecars": "official, sidecars",
    "official_sidecars_again": "official, sidecars, nothing new",
    "ours_sidecars": "butler_raws, sidecars",
    "ours_headers": "butler_raws, headers read",
    "ours_again": "butler_raws, nothing new",
    "ours_again_check_paths": "butler_raws, nothing new, check_paths",
    "ours_few_new": "butler_raws, 1 % new",
}
"""What is measured, in the order of the table."""

COLUMNS = (
    "files",
    "seconds",
    "processor seconds",
    "files/s",
    "x official, headers",
    "x official, sidecars",
    "peak MB",
)


@dataclass
class Bench:
    """The measurements on one registry.

    Parameters
    ----------
    data : `~pathlib.Path`
        From `bench.raw_data.make_data`.
    folder : `~pathlib.Path`
        Where the repositories are made.
    registry : `dict` or `None`
        ``db`` of the registry; SQLite if there is none.
    exposures : `int`
        How many exposures.
    baseline : `int`
        How many of them the official procedure ingests.
    params : `dict`, optional
        Further options for the module.
    figures : `dict` [ `str`, `Figure` ], optional
        By the keys of `WORKS`, as they become known.
    """

    data: Path
    folder: Path
    registry: dict[str, str] | None
    exposures: int
    baseline: int
    params: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Figure] = field(default_factory=dict)

    def run(self) -> None:
        """Measure everything."""
        show_sidecars(self.data, self.exposures, shown=False)
        self._official("headers")
        self._ours("ours_headers", "headers", self._all, added=self.exposures)
        self._compare("headers")
        self._ours("ours_again", "headers", self._all, added=0)
        self._ours("ours_again_check_paths", "headers", self._all, added=0, check_paths=True)
        late = late_exposures(self.exposures)
        self._ours("ours_few_new", "headers", [*self._all, str(self.data / "late")], added=late, known=True)
        show_sidecars(self.data, self.exposures, shown=True)
        self._official("sidecars")
        self._ours("ours_sidecars", "sidecars", self._all, added=self.exposures)
        self._compare("sidecars")

    @property
    def _all(self) -> list[str]:
        return sources(self.data, self.exposures)

    def _official(self, how: str) -> None:
        repo = self._fresh(f"official_{how}")
        some = sources(self.data, self.exposures, first=self.baseline)
        files = self.baseline * FILES
        for key in (f"official_{how}", f"official_{how}_again"):
            self.figures[key] = measure(WORKS[key], files, work.official, repo, some, files)

    def _ours(
        self, key: str, how: str, where: list[str], *, added: int, known: bool = False, **params: Any
    ) -> None:
        first = key == f"ours_{how}"
        repo = self._fresh(key) if first else str(self.folder / f"ours_{how}")
        arguments = work.parameters(where, **self.params, **params)
        files = (self.exposures + (added if known else 0)) * FILES
        self.figures[key] = measure(WORKS[key], files, work.ours, repo, arguments, added * FILES)

    def _compare(self, how: str) -> None:
        one, other = (str(self.folder / f"{whose}_{how}") for whose in ("official", "ours"))
        whole = self.baseline == self.exposures
        measure("(comparing them)", self.baseline * FILES, _comparison, one, other, whole)

    def _fresh(self, name: str) -> str:
        repo = str(self.folder / name)
        registry = self.registry and {**self.registry, "namespace": name}
        measure("(making a repository)", 1, work.fresh_repository, repo, registry)
        return repo

    def result(self) -> dict[str, Any]:
        """Give the figures for the JSON.

        Returns
        -------
        result : `dict`
            Each figure with its rate and how many times as fast, by file, it is as the same work of the
            official procedure from headers and from sidecars.
        """
        return {
            key: {
                **asdict(self.figures[key]),
                "rate": self.figures[key].rate,
                "times_official": {how: self._times(key, how) for how in ("headers", "sidecars")},
            }
            for key in WORKS
        }

    def _times(self, key: str, how: str) -> float:
        """Compare with the first run of the official procedure, or with its repetition."""
        again = "" if key.endswith(("headers", "sidecars")) else "_again"
        return self.figures[key].rate / self.figures[f"official_{how}{again}"].rate


def _comparison(first: str, second: str, whole: bool) -> Any:
    return work.compare(first, second, whole=whole)


@contextmanager
def database(kind: str) -> Iterator[dict[str, str] | None]:
    """Give what a repository's registry is configured with, as long as its server runs.

    Parameters
    ----------
    kind : `str`
        One of `REGISTRIES`.

    Yields
    ------
    registry : `dict` or `None`
        ``db`` of a database in a PostgreSQL server of our own; its credentials are in the environment.
    """
    if kind == "sqlite":
        yield None
        return
    import pytest

    from tests.integration.postgres import running_server

    try:
        server = running_server()
        running = server.__enter__()
    except (pytest.skip.Exception, pytest.fail.Exception) as missing:
        sys.exit(str(missing))
    with ExitStack() as stack:
        stack.push(server)
        made = running.new_database()
        os.environ["LSST_DB_AUTH_CREDENTIALS"] = made.credentials()
        yield {"db": made.url}


def table(kind: str, figures: dict[str, Any]) -> str:
    """Write the figures of one registry as a table.

    Parameters
    ----------
    kind : `str`
        The registry.
    figures : `dict`
        From `Bench.result`.

    Returns
    -------
    table : `str`
        Lines of Markdown.
    """
    rows = [[kind, *COLUMNS], ["---"] * (1 + len(COLUMNS))]
    for figure in figures.values():
        child = f" + {figure['largest_child']:.0f}" if figure["largest_child"] else ""
        rows.append(
            [
                figure["name"],
                f"{figure['datasets']:,}",
                f"{figure['seconds']:.2f}",
                f"{figure['cpu']:.2f}",
                f"{figure['rate']:,.0f}",
                *(f"{figure['times_official'][how]:.1f}" for how in ("headers", "sidecars")),
                f"{figure['megabytes']:.0f}{child}",
            ]
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def explanation(exposures: int, baseline: int) -> str:
    """Say what the table is about.

    Parameters
    ----------
    exposures, baseline : `int`
        How many exposures there are, and how many the official procedure was measured on.

    Returns
    -------
    text : `str`
        A paragraph.
    """
    subset = (
        f"The official procedure was measured on the first {baseline:,} exposures only ({baseline * FILES:,} "
        "files); it is compared by files a second. "
        if baseline < exposures
        else ""
    )
    return (
        f"{exposures:,} exposures with {FILES} files each. {subset}A first run is compared with the official "
        "first run, all others with the official procedure run again with nothing new. Seconds begin after "
        "the imports; processor seconds leave a database server out. Peak memory (MB) includes the imports, "
        "and is that of the process + that of the largest it started."
    )


def main(arguments: list[str] | None = None) -> None:
    """Measure, print and write.

    Parameters
    ----------
    arguments : `list` [ `str` ], optional
        The command line.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exposures", type=int, default=2_223, help="16539 are the survey's 148,851 files")
    parser.add_argument("--baseline-exposures", type=int, help="only so many for the official procedure")
    parser.add_argument("--registry", choices=REGISTRIES, action="append", help="default: both")
    parser.add_argument("--processes", type=int, help="of butler_raws; default: the module's")
    parser.add_argument("--data", type=Path, help="keep the files there, and take them from there again")
    parser.add_argument("--repositories", type=Path, help="make the repositories there, and leave them")
    parser.add_argument("--out", type=Path, default=OUT, help=f"the JSON; default: {OUT}")
    given = parser.parse_args(arguments)
    baseline = min(given.baseline_exposures or given.exposures, given.exposures)
    params = {} if given.processes is None else {"processes": given.processes}
    content: dict[str, Any] = {
        "host": host(),
        "exposures": given.exposures,
        "files": given.exposures * FILES,
        "baseline_exposures": baseline,
        "explanation": explanation(given.exposures, baseline),
        "registries": {},
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="rubin-butler-bench-") as temporary:
        data = given.data or Path(temporary, "data")
        measure("(making the files)", given.exposures * FILES, _making, str(data), given.exposures)
        measure("(reading them once)", given.exposures * FILES, work.read_once, str(data))
        for kind in given.registry or REGISTRIES:
            folder = Path(given.repositories or temporary, kind)
            folder.mkdir(parents=True)
            print(f"{kind}:", flush=True)
            with database(kind) as registry:
                bench = Bench(data.absolute(), folder, registry, given.exposures, baseline, params)
                bench.run()
            content["registries"][kind] = bench.result()
            # Each registry takes long, and what is measured is measured.
            given.out.write_text(json.dumps(content, indent=1) + "\n")
    print(f"\n{content['explanation']}\n")
    for kind, figures in content["registries"].items():
        print(table(kind, figures), end="\n\n")
    if find_spec("matplotlib") is None:
        print(f"python -m bench.raws_picture {given.out} draws it, with bench/requirements.txt installed.")
    else:
        picture = given.out.with_suffix(".png")
        draw(content, picture)
        print(picture)


def _making(data: str, exposures: int) -> Any:
    return lambda: make_data(Path(data), exposures)


if __name__ == "__main__":
    main()
