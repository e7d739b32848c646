# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample data of DP0.2: small, deterministic, and laid out as ``$DP02_TOP_DIR`` of RTN-029.

``python -m tools.sample_dp02 <directory>``, run from the checkout, writes what is missing there: raws of a
few visits of each year, the export of the calibrations and that of the curated ones with their artifacts, a
reference catalogue, the configuration of the sky map, truth tables, and ``manifest.json`` with the numbers to
expect.

What the real campaign fixes (names, dimensions, storage classes, paths, header keywords, numbers of visits
and tracts) is as it is there; pixels, tables and what else nothing in a repository depends on is made up.
"""
