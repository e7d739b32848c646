# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of DP1. Source: RTN-119."""

from __future__ import annotations

from tools.sample_ccms1.campaign import INSTRUMENT, RAW_RUN

DATA = "releases/dp1"
"""The directory that stands for the technote's ``$DATA``; exports name artifacts from it."""

REFCATS_DATA = "releases/raw"
"""And the one for reference catalogues."""

EXPORTS = "exports"
"""Where the export files are, those of the products in ``products`` below it."""

RAWS_DATA = "instrument"

RAWS_LIST = "dp1_raws_urls.list"

FINAL = f"{INSTRUMENT}/runs/DRP/DP1/DM-51335"
_RERUNS = f"{INSTRUMENT}/runs/DRP/DP1/v29_0_0/DM-50260"
THIRD, SECOND, FIRST = (
    f"{_RERUNS}/{stamp}" for stamp in ("20250419T073356Z", "20250417T034317Z", "20250416T185152Z")
)

CURATED = f"{INSTRUMENT}/calib/DM-49734"
CATALOGUE = "the_monster_20250219"
CATALOGUE_RUN = f"refcats/DM-49042/{CATALOGUE}"
PASSBANDS_RUN = f"{INSTRUMENT}/calib/fgcmcal/DM-48089/standard_passbands"

CHILDREN = frozenset(
    (FINAL, THIRD, SECOND, FIRST, RAW_RUN, f"{CURATED}/unbounded", CATALOGUE_RUN, "skymaps", PASSBANDS_RUN)
)
"""Runs of the chain ``LSSTComCam/DP1`` that the sample has something to count in."""

SKYMAP = "sample_cells"
"""The sky map of the sample; the real products are of lsst_cells_v1."""
