# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long butler_raws takes for raws behind WebDAV, beside the same files read as files.

``PYTHONPATH=var/collections python -m bench.webdav [--exposures 2223] [--registry sqlite] [--json FILE]``: an
Apache httpd on this host, with TLS and passwords, serves the folder that the baseline reads as files. Both
are ingested with transfer direct, from ``_index.json``, and run again with nothing new. Beside the seconds it
says how often each work asked the server: listings (PROPFIND), files read (GET), and anything else.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from bench import raw_work as work
from bench.measure import Figure, host, measure
from bench.raw_data import FILES, make_data, show_sidecars, sources
from bench.raws import REGISTRIES, database
from tests.integration.webdav import READER, WebDav, running_webdav

WORKS = {
    "files": "local files",
    "files_again": "local files, nothing new",
    "webdav": "davs",
    "webdav_again": "davs, nothing new",
}
"""What is measured, in the order of the table."""


class Bench:
    """The measurements on one registry.

    Parameters
    ----------
    server : `WebDav`
        Serves the files.
    exposures : `int`
        How many exposures of nine files.
    folder : `~pathlib.Path`
        Where the repositories are made.
    registry : `dict` or `None`
        ``db`` of the registry; SQLite if there is none.
    """

    def __init__(self, server: WebDav, exposures: int, folder: Path, registry: dict[str, str] | None) -> None:
        self._server = server
        self._exposures = exposures
        self._folder = folder
        self._registry = registry
        self.figures: dict[str, Figure] = {}
        self.requests: dict[str, Counter[str]] = {}

    def run(self) -> None:
        """Measure everything."""
        files = sources(self._server.data, self._exposures)
        self._ingest("files", files)
        self._ingest("webdav", [self._server.uri(folder) for folder in files])

    def _ingest(self, how: str, where: list[str]) -> None:
        repo = str(self._folder / how)
        registry = self._registry and {**self._registry, "namespace": how}
        measure("(making a repository)", 1, work.fresh_repository, repo, registry)
        count = self._exposures * FILES
        for key, added in ((how, count), (f"{how}_again", 0)):
            before = len(self._server.requests)
            arguments = (repo, work.parameters(where), added)
            self.figures[key] = measure(WORKS[key], count, work.ours, *arguments)
            self.requests[key] = Counter(line.split()[0] for line in self._server.requests[before:])

    def result(self) -> dict[str, Any]:
        """Give the figures for the JSON.

        Returns
        -------
        result : `dict`
            Each figure, with how many times the baseline's seconds it took and the requests by method.
        """
        return {
            key: {
                **asdict(self.figures[key]),
                "times_files": self.figures[key].seconds
                / self.figures[key.replace("webdav", "files")].seconds,
                "requests": dict(self.requests[key]),
            }
            for key in WORKS
        }


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
    columns = [
        kind,
        "files",
        "seconds",
        "processor seconds",
        "x local",
        "PROPFIND",
        "GET",
        "other",
        "peak MB",
    ]
    rows = [columns, ["---"] * len(columns)]
    for figure in figures.values():
        asked = dict(figure["requests"])
        rows.append(
            [
                figure["name"],
                f"{figure['datasets']:,}",
                f"{figure['seconds']:.2f}",
                f"{figure['cpu']:.2f}",
                f"{figure['times_files']:.2f}",
                *(f"{asked.pop(method, 0):,}" for method in ("PROPFIND", "GET")),
                f"{sum(asked.values()):,}",
                f"{figure['megabytes']:.0f}",
            ]
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print and write.

    Parameters
    ----------
    arguments : `list` [ `str` ], optional
        The command line.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--exposures", type=int, default=2_223, help="of nine files each; default: %(default)s"
    )
    parser.add_argument("--registry", choices=REGISTRIES, action="append", help="default: both")
    parser.add_argument("--json", type=Path, help="write the figures there")
    given = parser.parse_args(arguments)
    serving = running_webdav()
    try:
        server = serving.__enter__()
    except (pytest.skip.Exception, pytest.fail.Exception) as missing:
        sys.exit(str(missing))
    content: dict[str, Any] = {"host": host(), "files": given.exposures * FILES, "registries": {}}
    try:
        with tempfile.TemporaryDirectory(prefix="rubin-butler-bench-") as folder:
            config = server.write_config(Path(folder, "webdav.yaml"), READER)
            os.environ["LSST_RESOURCES_WEBDAV_CONFIG"] = str(config)
            print(f"making {given.exposures * FILES:,} files", flush=True)
            make_data(server.data, given.exposures)
            show_sidecars(server.data, given.exposures, shown=True)
            for kind in given.registry or REGISTRIES:
                with database(kind) as registry:
                    bench = Bench(server, given.exposures, Path(folder, kind), registry)
                    bench.run()
                content["registries"][kind] = bench.result()
    finally:
        serving.__exit__(None, None, None)
    for kind, figures in content["registries"].items():
        print(f"\n{table(kind, figures)}")
    if given.json is not None:
        given.json.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
