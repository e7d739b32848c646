# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing a sample: what a directory lacks of it, and the command that does it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """What writing the sample did.

    Parameters
    ----------
    written : `int`
        Files that were missing.
    replaced : `int`
        Files that were there with another content.
    unchanged : `int`
        Files that were there as they should.
    size : `int`
        Bytes of all of them.
    """

    written: int
    replaced: int
    unchanged: int
    size: int

    @property
    def changed(self) -> int:
        """Files that were touched."""
        return self.written + self.replaced


def write_sample(root: Path, files: Mapping[str, bytes]) -> Outcome:
    """Write what a directory lacks.

    Parameters
    ----------
    root : `~pathlib.Path`
        The directory; it is made if it isn't there.
    files : `~collections.abc.Mapping` [ `str`, `bytes` ]
        Content by relative path.

    Returns
    -------
    outcome : `Outcome`
        What was done. A file is there whole or not at all, whenever the process is stopped; files that the
        sample does not know are left alone.
    """
    written = replaced = 0
    partial = root / ".partial"
    for name, content in files.items():
        path = root / name
        exists = path.is_file()
        if exists and path.stat().st_size == len(content) and path.read_bytes() == content:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(path)
        if exists:
            replaced += 1
        else:
            written += 1
    partial.unlink(missing_ok=True)
    unchanged = len(files) - written - replaced
    return Outcome(written, replaced, unchanged, sum(map(len, files.values())))


def describe(campaign: str, outcome: Outcome, root: Path) -> str:
    """Say in a line what was done.

    Parameters
    ----------
    campaign : `str`
        Name of the campaign.
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
        return f"sample data of {campaign}: nothing to do, {root} has all {total} files ({size})."
    done = f"{outcome.written} written, {outcome.replaced} replaced, {outcome.unchanged} already there"
    return f"sample data of {campaign}: {root} has now all {total} files ({size}): {done}."


def command(
    campaign: str,
    technote: str,
    files: Callable[[], Mapping[str, bytes]],
    arguments: Sequence[str] | None = None,
) -> int:
    """Write the sample data of a campaign.

    Parameters
    ----------
    campaign : `str`
        Name of the campaign; its package is ``tools.sample_<campaign>``.
    technote : `str`
        What the technote calls the directory.
    files : `~collections.abc.Callable`
        Makes the content by relative path.
    arguments : `~collections.abc.Sequence` [ `str` ], optional
        Command line, without the program.

    Returns
    -------
    status : `int`
        Exit status: 0, or 2 if the directory can't be used.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m tools.sample_{campaign}",
        description=f"Write the sample data of the {campaign} campaign, as far as they are missing.",
    )
    parser.add_argument("directory", type=Path, help=f"where {technote} is to be; made if it isn't there")
    root: Path = parser.parse_args(arguments).directory
    if root.exists() and not root.is_dir():
        print(
            f"directory: {root} is a file; name a directory, or a path where one can be made.",
            file=sys.stderr,
        )
        return 2
    try:
        outcome = write_sample(root, files())
    except OSError as error:
        where = error.filename or root
        print(
            f"directory: can't write {where} ({error.strerror}); name a directory that you may write to.",
            file=sys.stderr,
        )
        return 2
    print(describe(campaign, outcome, root))
    return 0
