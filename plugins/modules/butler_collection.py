#!/usr/bin/python
# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: butler_collection
short_description: Declare the collections of a Butler repository
version_added: 0.1.0
author: the rubin.butler developers (@lsst)
description:
  - Registers RUN, TAGGED, CALIBRATION and CHAINED collections with their documentation, or removes them.
  - A new CHAINED collection has no children; M(rubin.butler.butler_chain) declares those.
  - The type of a collection can't be changed. One that exists with another type is an error, and nothing is written.
extends_documentation_fragment:
  - rubin.butler.repository
options:
  collections:
    description: The collections.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The collection's name.
        type: str
        required: true
      type:
        description: The collection's type. With O(collections[].state=absent) it is not looked at.
        type: str
        choices: [RUN, TAGGED, CALIBRATION, CHAINED]
        default: RUN
      doc:
        description: The collection's documentation. What is there stays if this is not given.
        type: str
      state:
        description:
          - Whether the collection is to exist.
          - V(absent) refuses a RUN that holds datasets and a collection that is a child of a chain.
        type: str
        choices: [present, absent]
        default: present
seealso:
  - module: rubin.butler.butler_chain
  - module: rubin.butler.butler_tagged
"""

EXAMPLES = r"""
- name: An empty RUN for sky maps, and a TAGGED collection
  rubin.butler.butler_collection:
    repo: /data/butler/ccms1
    collections:
      - name: skymaps
        doc: Sky maps
      - name: LSSTComCam/raw/DP1-RC3/DM-49594
        type: TAGGED

- name: A collection that is no longer wanted
  rubin.butler.butler_collection:
    repo: /data/butler/ccms1
    collections:
      - name: LSSTComCam/raw/DP1-RC3/DM-49594
        state: absent
"""

RETURN = r"""
stats:
  description: How many collections were there, added, replaced (their documentation), removed, skipped and failed.
  returned: success
  type: dict
  sample: {present: 1, added: 2, replaced: 0, removed: 0, skipped: 0, failed: 0}
changes:
  description: The changes, or in check mode the planned ones; at most 1000.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: add, kind: collection, name: skymaps, before: null, after: {type: RUN}, count: 1}
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

from ansible_collections.rubin.butler.plugins.module_utils._module.run import run_state
from ansible_collections.rubin.butler.plugins.module_utils._states.collections import CollectionsState


def main() -> None:
    """Run the module."""
    collection = {
        "name": {"type": "str", "required": True},
        "type": {"type": "str", "choices": ["RUN", "TAGGED", "CALIBRATION", "CHAINED"], "default": "RUN"},
        "doc": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }
    run_state(
        {"collections": {"type": "list", "elements": "dict", "required": True, "options": collection}},
        CollectionsState.from_params,
    )


if __name__ == "__main__":
    main()
