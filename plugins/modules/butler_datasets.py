#!/usr/bin/python
# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: butler_datasets
short_description: Declare that datasets are absent from a Butler repository
version_added: 0.1.0
author: the rubin.butler developers (@lsst)
description:
  - Takes the datasets of a query out of TAGGED collections, out of the datastore, or out of the repository; or forgets
    those whose artifacts are gone.
  - A dataset that is purged leaves all collections, and loses its certifications without a word of daf_butler. So check
    mode and the diff list the memberships of TAGGED and CALIBRATION collections that end with it, with the validity ranges.
  - No more than O(max_removals) datasets are removed, and none that the collections of O(protect) hold. If there are, nothing
    is removed at all.
  - Datasets are removed in batches, each under the lock of its run. A run that was stopped or killed is finished by running
    the task again, as the registry gives a dataset up only when its artifact is gone.
  - If another process tags or certifies a dataset after it was planned to be purged or forgotten, the task fails before that
    batch, and the dataset stays registered. With O(removal=unstore) that is so for the collections of O(protect).
extends_documentation_fragment:
  - rubin.butler.repository
  - rubin.butler.repository.missing
  - rubin.butler.repository.progress
options:
  state:
    description: What the datasets are to be. It has to be said, because nothing else in the collection removes datasets.
    type: str
    choices: [absent]
    required: true
  datasets:
    description:
      - The datasets. One that several entries select counts once.
      - An entry that selects no dataset is what was declared already.
    type: list
    elements: dict
    required: true
    suboptions:
      dataset_type:
        description: The dataset types to select, names or patterns such as V(*_metadata). Components can't be removed.
        type: list
        elements: str
        required: true
      collections:
        description:
          - The collections to select from, names or patterns whose V(*) matches slashes too. Chains stand for their children.
          - All of their datasets are selected, not only the first of each data ID, as the second would be the first when
            the task is run again.
        type: list
        elements: str
        required: true
      where:
        description:
          - An expression that the datasets have to fulfil, as for C(butler query-datasets --where).
          - It has to name the instrument if it is about exposures, visits or detectors.
        type: str
      bind:
        description: The values of the identifiers in O(datasets[].where), by name; lists for C(IN).
        type: dict
  removal:
    description:
      - How the datasets are removed. Either this or O(forget_unstored=true) has to be given.
      - V(disassociate) takes them out of the TAGGED collections of O(tags). They stay in the repository.
      - V(unstore) removes their artifacts and the datastore's records of them. The registry, and so all collections, keep them.
      - V(purge) removes their artifacts and the datasets themselves, from all collections.
      - Files that were ingested in place, with the transfer modes V(direct) and V(split), are never removed, and neither is one
        that another dataset is in too. The datastore only forgets them.
    type: str
    choices: [disassociate, unstore, purge]
  forget_unstored:
    description:
      - Whether those of the selected datasets are forgotten that are registered and whose artifacts are gone, or were never
        stored. No file is touched, and datasets whose artifacts are there stay.
      - An artifact is gone if its storage says "not found". Any other answer (401, 403, from 500 on), a timeout and a
        connection that breaks off end the task, and nothing is forgotten.
      - A root of the datastore that is missing or empty ends the task as well, because its file system may not be mounted. So
        does an empty directory, or the root of the file system, if it is the last of the directories above a file that is
        there. A directory within the datastore's root that held the file itself may be empty.
      - Datasets of which only parts are gone are left as they are, with a warning.
      - It is refused for chained datastores, and for those with C(trust_get_request).
    type: bool
    default: false
  tags:
    description: The TAGGED collections that datasets leave with O(removal=disassociate), names or patterns.
    type: list
    elements: str
  max_removals:
    description:
      - How many datasets may be removed; with O(removal=disassociate), how many memberships. If there are more, the task fails
        with their number for each dataset type, in check mode too.
      - What the task holds in memory grows with it.
    type: int
    default: 100
  protect:
    description:
      - Collections that are to keep their datasets, names or patterns. If one of them would lose a dataset, or the artifact of
        one, the task fails, and nothing is removed. Chains stand for their children.
    type: list
    elements: str
seealso:
  - module: rubin.butler.butler_tagged
  - module: rubin.butler.butler_repo
"""

EXAMPLES = r"""
- name: Forget what an import has registered and nobody ever copied
  rubin.butler.butler_datasets:
    repo: /data/butler/dc2
    state: absent
    datasets:
      - dataset_type: "*"
        collections: [2.2i/runs/*]
    forget_unstored: true
    max_removals: 5000

- name: Purge the biases of a bad night, unless something is certified from them
  rubin.butler.butler_datasets:
    repo: /data/butler/deep
    state: absent
    datasets:
      - dataset_type: bias
        collections: [DEEP/20190402/biasGen/*]
        where: instrument = 'DECam'
    removal: purge
    protect: [DEEP/20190402/calib/bias]

- name: Take two exposures out of a selection
  rubin.butler.butler_datasets:
    repo: /data/butler/deep
    state: absent
    datasets:
      - dataset_type: raw
        collections: [DECam/raw/all]
        where: instrument = 'DECam' AND exposure IN (bad)
        bind:
          bad: [845291, 845292]
    removal: disassociate
    tags: [DEEP/20190402/science/raw]
    max_removals: 124
"""

RETURN = r"""
stats:
  description:
    - How many datasets were removed, together with the memberships that ended with them, one for each validity range.
    - How many of the selected datasets were as declared already is V(present), for instance those that are not gone.
  returned: success
  type: dict
  sample: {present: 0, added: 0, replaced: 0, removed: 5, skipped: 0, failed: 0}
changes:
  description:
    - The changes, or in check mode the planned ones; at most 1000. Datasets are grouped by dataset type and run, memberships
      by dataset type and collection.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: remove, kind: certifications, name: bias in DEEP/20190402/calib/bias,
       before: {type: CALIBRATION, datasets: 2, validity: ["[2019-04-02T00:00:00, 2019-04-03T00:00:00): 2"]}, after: null,
       count: 2, examples: ["bias@{instrument: 'DECam', detector: 1}", "bias@{instrument: 'DECam', detector: 2}"]}
    - {action: remove, kind: datasets, name: bias in DEEP/20190402/biasGen/1, before: {datasets: 3, in the datastore: 3},
       after: null, count: 3, examples: ["bias@{instrument: 'DECam', detector: 1}"]}
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
  sample: 0.42
"""

from ansible_collections.rubin.butler.plugins.module_utils._module.options import ON_MISSING, PROGRESS
from ansible_collections.rubin.butler.plugins.module_utils._module.run import run_state
from ansible_collections.rubin.butler.plugins.module_utils._states.removals.state import RemovalsState


def main() -> None:
    """Run the module."""
    selection = {
        "dataset_type": {"type": "list", "elements": "str", "required": True},
        "collections": {"type": "list", "elements": "str", "required": True},
        "where": {"type": "str"},
        "bind": {"type": "dict"},
    }
    run_state(
        {
            "state": {"type": "str", "choices": ["absent"], "required": True},
            "datasets": {"type": "list", "elements": "dict", "required": True, "options": selection},
            "removal": {"type": "str", "choices": ["disassociate", "unstore", "purge"]},
            "forget_unstored": {"type": "bool", "default": False},
            "tags": {"type": "list", "elements": "str"},
            "max_removals": {"type": "int", "default": 100},
            "protect": {"type": "list", "elements": "str"},
            **ON_MISSING,
            **PROGRESS,
        },
        RemovalsState.from_params,
    )


if __name__ == "__main__":
    main()
