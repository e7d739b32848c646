#!/usr/bin/python
# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: butler_curated_calibrations
short_description: Declare that the curated calibrations of an instrument are in a Butler repository
version_added: 0.1.0
author: the rubin.butler developers (@lsst)
description:
  - Writes the calibrations that an instrument's obs package keeps, its camera, crosstalk, defects and what else there is, and
    certifies them, as C(butler write-curated-calibrations) does. Unlike that it can be run as often as you like.
  - What to write only the obs package knows, so this runs where the Science Pipelines are, with their Python as
    C(ansible_python_interpreter). Elsewhere it fails and names the two ways out. They are to run it where the packages are, and
    to import what was exported there with M(rubin.butler.butler_import).
  - The instrument's class writes into a new repository in a temporary folder, in check mode too. What that holds is then compared
    with the repository, and only the dataset types, collections, datasets and certifications that are missing are added.
  - A dataset that is there for the same run, dataset type and data ID is kept as it is and not compared. To get the calibrations
    of a newer obs package use another O(label).
extends_documentation_fragment:
  - rubin.butler.repository
  - rubin.butler.repository.progress
options:
  instrument:
    description:
      - The instrument, by its name, such as V(LSSTComCam), or that of its class.
      - It has to be registered, see M(rubin.butler.butler_instrument).
    type: str
    required: true
  label:
    description:
      - Parts of the names of all collections that are written, usually the ticket, such as V(DM-49734).
    type: list
    elements: str
    default: []
  collection:
    description: The CALIBRATION collection. By default the instrument names it, such as C(LSSTComCam/calib/DM-49734).
    type: str
notes:
  - A repository with the calibrations is made in the folder that E(TMPDIR) names, and removed at the end.
seealso:
  - module: rubin.butler.butler_certify
  - module: rubin.butler.butler_import
  - module: rubin.butler.butler_instrument
"""

EXAMPLES = r"""
- name: Add instrument's curated calibrations
  rubin.butler.butler_curated_calibrations:
    repo: /data/butler/dp1
    instrument: lsst.obs.lsst.LsstComCam
    label: DM-49734
"""

RETURN = r"""
stats:
  description:
    - How many datasets, certifications, dataset types and collections were there already, and how many were added.
    - Files that nobody recorded and that were in the way of new ones count as replaced.
  returned: success
  type: dict
  sample: {present: 0, added: 25, replaced: 0, removed: 0, skipped: 0, failed: 0}
changes:
  description: The changes, or in check mode the planned ones; at most 1000. Datasets and
    their certifications are grouped by dataset type and collection.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: add, kind: datasets, name: crosstalk in LSSTComCam/calib/DM-49734/curated/19700101T000000Z, before: null,
       after: {datasets: 9}, count: 9}
truncated:
  description: How many changes are left out of RV(changes).
  returned: success
  type: int
  sample: 0
assumes:
  description: What check mode took for granted because an earlier task would make it.
  returned: success
  type: list
  elements: str
  sample: []
failures:
  description: The first hundred objects that failed, with reasons.
  returned: success
  type: list
  elements: dict
  sample: []
seconds:
  description: How long the task took.
  returned: success
  type: float
  sample: 0.21
"""

from ansible_collections.rubin.butler.plugins.module_utils._module.options import PROGRESS
from ansible_collections.rubin.butler.plugins.module_utils._module.run import run_state
from ansible_collections.rubin.butler.plugins.module_utils._states.curated.state import CuratedState


def main() -> None:
    """Run the module."""
    run_state(
        {
            "instrument": {"type": "str", "required": True},
            "label": {"type": "list", "elements": "str", "default": []},
            "collection": {"type": "str"},
            **PROGRESS,
        },
        CuratedState.from_params,
    )


if __name__ == "__main__":
    main()
