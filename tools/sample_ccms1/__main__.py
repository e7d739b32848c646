# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line of the sample: ``python -m tools.sample_ccms1 <directory>``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .sample import Outcome, sample_files, write_sample


def describe(outcome: Outcome, root: Path) -> str:
    """Say in a line what was done.

    Parameters
    ----------
    outcome : `Outcome`
        What was done.
    root : `~pathlib.Path`
        Where.

    Returns
    -------
    line : `str`
        One sentence.
    """
    total = outcome.changed + outcome.unchanged
    size = f"{outcome.size / 1e6:.1f} MB"
    if not outcome.changed:
        return f"sample data of ccms1: nothing to do, {root} has all {total} files ({size})."
    done = f"{outcome.written} written, {outcome.replaced} replaced, {outcome.unchanged} already there"
    return f"sample data of ccms1: {root} has now all {total} files ({size}): {done}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the sample data.

    Parameters
    ----------
    arguments : `~collections.abc.Sequence` [ `str` ], optional
        Command line, without the program.

    Returns
    -------
    status : `int`
        Exit status: 0, or 2 if the directory can't be used.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tools.sample_ccms1",
        description="Write the sample data of the ccms1 campaign, as far as they are missing.",
    )
    parser.add_argument(
        "directory", type=Path, help="where $DATA of RTN-103 is to be; made if it isn't there"
    )
    root: Path = parser.parse_args(arguments).directory
    if root.exists() and not root.is_dir():
        print(
            f"directory: {root} is a file; name a directory, or a path where one can be made.",
            file=sys.stderr,
        )
        return 2
    try:
        outcome = write_sample(root, sample_files())
    except OSError as error:
        where = error.filename or root
        print(
            f"directory: can't write {where} ({error.strerror}); name a directory that you may write to.",
            file=sys.stderr,
        )
        return 2
    print(describe(outcome, root))
    return 0


if __name__ == "__main__":
    sys.exit(main())
