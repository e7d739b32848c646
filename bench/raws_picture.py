# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws what `bench.raws` has measured.

``python -m bench.raws_picture [var/bench/raws.json] [--out FILE]``: files a second on a logarithmic scale, a
part for each registry. It takes ``bench/requirements.txt``. The picture is beside the JSON, as PNG; another
ending of ``--out`` (``.svg``, ``.pdf``) gives another format.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

OURS, OFFICIAL = "#1f6f8b", "#808080"


def draw(content: dict[str, Any], path: Path) -> None:
    """Draw the figures.

    Parameters
    ----------
    content : `dict`
        The JSON of `bench.raws`.
    path : `~pathlib.Path`
        The picture.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    registries = content["registries"]
    picture, parts = pyplot.subplots(
        1, len(registries), figsize=(2 + 6 * len(registries), 4.5), sharex=True, sharey=True, squeeze=False
    )
    for axes, (kind, works) in zip(parts[0], registries.items(), strict=True):
        figures = list(works.values())[::-1]
        for place, figure in enumerate(figures):
            colour = OFFICIAL if figure["name"].startswith("official") else OURS
            axes.plot(figure["rate"], place, "o", color=colour)
            said = f"  {figure['rate']:,.0f}/s, {figure['megabytes']:,.0f} MB"
            axes.annotate(said, (figure["rate"], place), fontsize=8, va="center")
        axes.set_yticks(range(len(figures)), [figure["name"] for figure in figures])
        axes.grid(axis="y", alpha=0.3)
        axes.set_xscale("log")
        axes.margins(x=0.4)
        axes.set_title(kind)
        axes.set_xlabel("files a second")
    baseline = content["baseline_exposures"]
    measured = f", official on {baseline:,}" if baseline < content["exposures"] else ""
    picture.suptitle(f"{content['files']:,} raws of {content['exposures']:,} exposures{measured}")
    picture.tight_layout()
    picture.savefig(path, dpi=150)


def main(arguments: list[str] | None = None) -> None:
    """Read, draw and say where.

    Parameters
    ----------
    arguments : `list` [ `str` ], optional
        The command line.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", type=Path, nargs="?", default=Path("var/bench/raws.json"))
    parser.add_argument("--out", type=Path, help="the picture; default: beside the figures, as PNG")
    given = parser.parse_args(arguments)
    path = given.out or given.figures.with_suffix(".png")
    draw(json.loads(given.figures.read_text()), path)
    print(path)


if __name__ == "__main__":
    main()
