# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample data of DP1: small, deterministic, and laid out as RTN-119 has its input datasets.

``python -m tools.sample_dp1 <directory>``, run from the checkout, writes what is missing there: raws with the
list of the exposures to ingest, one export for each dataset type of calibrations and products with their
artifacts, the export of the reference catalogue and that of the curated calibrations, and ``manifest.json``
with the numbers to expect.

Raws, calibrations and catalogue are those of the ccms1 sample, because DP1 was made of these inputs. Names,
dimensions, storage classes and collections of the products are the real ones; which of the four runs made
which of them, the tracts, and what is in the files, is made up.
"""
