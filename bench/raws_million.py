# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the memory of butler_raws grows from twenty thousand files to a million.

``PYTHONPATH=var/collections python -m bench.raws_million [--files 20000 --files 1000000] [--out FILE]``: in
check mode, on an empty repository with an SQLite registry, with an ``_index.json`` in the directory of each
exposure. So all files are listed, looked up, described and planned. Nothing is written to the repository, and
the files are names of a few inodes. A million takes 0.9 GB of disk for directories and indexes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import raw_work as work
from bench.measure import Figure, host, measure
from bench.raw_data import FILES, make_names

OUT = Path("var/bench/raws_million.json")
SIZES = (20_000, 1_000_000)


def observe(files: int, repo: str, folder: Path, params: dict[str, Any]) -> Figure:
    """Measure the planning of so many files, rounded up to whole exposures.

    Parameters
    ----------
    files : `int`
        How many.
    repo : `str`
        A repository with the instrument and without raws.
    folder : `~pathlib.Path`
        Where they are made; they are removed in the end.
    params : `dict`
        Further options for the module.

    Returns
    -------
    figure : `Figure`
        Time and memory.
    """
    exposures = -(-files // FILES)
    raws = folder / f"raws-{exposures}"
    measure("(making the names)", exposures * FILES, _making, str(raws), exposures)
    try:
        arguments = work.parameters([str(raws / work.INSTRUMENT)], **params)
        count = exposures * FILES
        return measure(f"{count:,} files", count, work.ours, repo, arguments, count, True)
    finally:
        shutil.rmtree(raws)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print and write.

    Parameters
    ----------
    arguments : `list` [ `str` ], optional
        The command line.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--files", type=int, action="append", help=f"default: {' and '.join(map(str, SIZES))}"
    )
    parser.add_argument("--processes", type=int, help="of butler_raws; default: the module's")
    parser.add_argument("--out", type=Path, default=OUT, help=f"the JSON; default: {OUT}")
    given = parser.parse_args(arguments)
    params = {} if given.processes is None else {"processes": given.processes}
    with tempfile.TemporaryDirectory(prefix="rubin-butler-bench-") as temporary:
        repo = f"{temporary}/repo"
        measure("(making a repository)", 1, work.fresh_repository, repo, None)
        figures = [observe(files, repo, Path(temporary), params) for files in given.files or SIZES]
    for figure in figures:
        grown = figure.megabytes / figures[0].megabytes
        print(
            f"{figure.name:18} {figure.seconds:8.1f} s {figure.rate:8,.0f}/s   "
            f"peak {figure.megabytes:.0f} MB ({grown:.2f} x), "
            f"largest process it started {figure.largest_child:.0f} MB"
        )
    content = {"host": host(), "figures": [asdict(figure) for figure in figures]}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(content, indent=1) + "\n")


def _making(folder: str, exposures: int) -> Any:
    return lambda: make_names(Path(folder), exposures)


if __name__ == "__main__":
    main()
