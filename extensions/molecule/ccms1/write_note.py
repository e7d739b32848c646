# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Store a dataset as the service account does. The argument is the repository."""

import sys

from lsst.daf.butler import Butler, DatasetType

with Butler.from_config(sys.argv[1], writeable=True, run="u/ccms1/note") as butler:
    note = DatasetType("scenario_note", ["instrument"], "StructuredDataDict", universe=butler.dimensions)
    butler.registry.registerDatasetType(note)
    if butler.find_dataset(note, instrument="LSSTComCam", collections="u/ccms1/note") is None:
        butler.put({"written by": "ccms1"}, note, instrument="LSSTComCam")
