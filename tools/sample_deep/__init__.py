# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample data of DEEP: small, deterministic, and laid out as the survey's ``data`` folder.

``python -m tools.sample_deep <directory>``, run from the checkout, writes what is missing there: the two
tables of exposures, images of a few detectors of two nights, bad-pixel masks, shards of reference catalogues,
a table of fakes, an export of the instrument's curated calibrations, and ``manifest.json`` with the numbers
to expect.

What the real survey fixes (names, columns, header keywords, detectors, filters) is as it is there; pixels,
pointings and what else nothing in a repository depends on is made up.
"""
