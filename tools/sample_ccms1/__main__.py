# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line of the sample: ``python -m tools.sample_ccms1 <directory>``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tools.samples.writing import command

from .sample import sample_files


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the sample data of ccms1.

    Parameters
    ----------
    arguments : `~collections.abc.Sequence` [ `str` ], optional
        Command line, without the program.

    Returns
    -------
    status : `int`
        Exit status.
    """
    return command("ccms1", "$DATA of RTN-103", sample_files, arguments)


if __name__ == "__main__":
    sys.exit(main())
