#!/usr/bin/python
# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: butler_tagged
short_description: Declare which datasets the TAGGED collections of a Butler repository hold
version_added: 0.1.0
author: the rubin.butler developers (@lsst)
description:
  - Makes TAGGED collections and associates datasets with them, selected by dataset type, collection, an expression, and a
    list of exposures or visits.
  - Only what is missing is associated, in batches. Members that are not selected stay unless O(collections[].prune=true).
    No dataset is ever removed from the repository.
  - A name that belongs to a collection of another type, an expression that is not one, and a file that can't be read or has
    a line that is no id are errors, and nothing is written.
extends_documentation_fragment:
  - rubin.butler.repository
  - rubin.butler.repository.conflict
  - rubin.butler.repository.missing
options:
  collections:
    description: The TAGGED collections.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The collection's name.
        type: str
        required: true
      dataset_type:
        description:
          - The dataset types to select, names or patterns such as V(preloaded_*).
          - One that does not exist, and one that has no selected dataset, are treated as O(on_missing) says.
        type: list
        elements: str
        required: true
      collections:
        description:
          - The collections to select from, names or patterns such as V(u/jkurla/dp1_ephem_2*), whose V(*) matches slashes too.
          - Collections that are all named are searched in their order, and the first one that has a data ID wins. Those that a
            pattern matches have no order, so it is an error if several of them have different datasets of one data ID.
        type: list
        elements: str
        required: true
      where:
        description:
          - An expression that the datasets have to fulfil, as for C(butler query-datasets --where).
          - It has to name the instrument if it, or a list of ids, is about exposures, visits or detectors.
        type: str
      bind:
        description: The values of the identifiers in O(collections[].where), by name.
        type: dict
      ids_file:
        description:
          - A text file on the managed host with the exposures or visits to restrict the selection to, one id on a line. Blank
            lines and what follows V(#) are left out. It has to be there in check mode too.
          - Ids of which there is no dataset are treated as O(on_missing) says.
        type: path
      ids:
        description: The same as a list, instead of O(collections[].ids_file).
        type: list
        elements: int
      ids_dimension:
        description:
          - What the ids are. For the dataset type C(raw) they are exposures; visits of raws are found only once visits are defined.
          - For LSSTComCam and LSSTCam a visit of one exposure has its exposure's id.
        type: str
        choices: [exposure, visit]
        default: exposure
      prune:
        description:
          - Whether members that are not selected leave the collection, of whatever dataset type, which then holds exactly what
            is selected. A member that has the data ID of a selected dataset and is another dataset leaves as well, whatever
            O(on_conflict) says.
        type: bool
        default: false
      doc:
        description: The collection's documentation. What is there stays if this is not given.
        type: str
seealso:
  - module: rubin.butler.butler_collection
  - module: rubin.butler.butler_chain
"""

EXAMPLES = r"""
- name: The raws of the selected visits, as butler_associate_visits.py makes it
  rubin.butler.butler_tagged:
    repo: /data/butler/ccms1
    collections:
      - name: LSSTComCam/raw/DP1-RC3/DM-49594
        dataset_type: raw
        collections: [LSSTComCam/raw/all]
        where: instrument = 'LSSTComCam'
        ids_file: /data/ccms1/dp1_good_visits.txt
        prune: true

- name: All solar system objects of several runs
  rubin.butler.butler_tagged:
    repo: /data/butler/ccms1
    collections:
      - name: LSSTComCam/calib/DM-49977/DP1.0/preloaded_SsObjects.20250409
        dataset_type: preloaded_DRP_SsObjects
        collections: [u/jkurla/dp1_ephem_2*]
        where: instrument = 'LSSTComCam'
        prune: true

- name: Science raws of one night added to what is there
  rubin.butler.butler_tagged:
    repo: /data/butler/ccms1
    collections:
      - name: LSSTComCam/raw/night
        doc: Science exposures of single nights
        dataset_type: raw
        collections: [LSSTComCam/raw/all]
        where: instrument = 'LSSTComCam' AND exposure.observation_type = 'science' AND day_obs = night
        bind:
          night: 20241108
"""

RETURN = r"""
stats:
  description:
    - How many datasets were members already, and how many were associated, replaced, and taken out.
    - Collections that were made or documented are counted too, and so are ids that were skipped.
  returned: success
  type: dict
  sample: {present: 16128, added: 1, replaced: 0, removed: 0, skipped: 0, failed: 0}
changes:
  description: The changes, or in check mode the planned ones; at most 1000. Datasets are grouped by dataset type and collection.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: add, kind: datasets, name: raw in LSSTComCam/raw/DP1-RC3/DM-49594, before: {datasets: 16128},
       after: {datasets: 16129}, count: 1,
       examples: ["raw@{instrument: 'LSSTComCam', detector: 0, exposure: 2024110800245}"]}
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

from ansible_collections.rubin.butler.plugins.module_utils._module.options import ON_CONFLICT, ON_MISSING
from ansible_collections.rubin.butler.plugins.module_utils._module.run import run_state
from ansible_collections.rubin.butler.plugins.module_utils._states.tagged import TaggedState


def main() -> None:
    """Run the module."""
    collection = {
        "name": {"type": "str", "required": True},
        "dataset_type": {"type": "list", "elements": "str", "required": True},
        "collections": {"type": "list", "elements": "str", "required": True},
        "where": {"type": "str"},
        "bind": {"type": "dict"},
        "ids_file": {"type": "path"},
        "ids": {"type": "list", "elements": "int"},
        "ids_dimension": {"type": "str", "choices": ["exposure", "visit"], "default": "exposure"},
        "prune": {"type": "bool", "default": False},
        "doc": {"type": "str"},
    }
    run_state(
        {
            "collections": {"type": "list", "elements": "dict", "required": True, "options": collection},
            **ON_CONFLICT,
            **ON_MISSING,
        },
        TaggedState.from_params,
    )


if __name__ == "__main__":
    main()
