# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line of the sample: ``python -m tools.sample_dp1 <directory>``."""

from __future__ import annotations

import sys

from tools.samples.writing import command

from .sample import sample_files

if __name__ == "__main__":
    sys.exit(command("dp1", "$DP02_TOP_DIR of RTN-119", sample_files))
