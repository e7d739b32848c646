#!/usr/bin/python
# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: butler_dataset_type
short_description: Declare the dataset types of a Butler repository
version_added: 0.1.0
author: the rubin.butler developers (@lsst)
description:
  - Registers dataset types, or removes those that nothing uses.
  - The definition of a dataset type can't be changed. One that exists with other dimensions, another storage class or
    another calibration flag is an error that shows each of them, and nothing is written.
  - The Python classes behind storage classes are not imported, so they need not be installed on the managed host.
extends_documentation_fragment:
  - rubin.butler.repository
options:
  dataset_types:
    description: The dataset types.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The dataset type's name. Components such as C(calexp.wcs) are never registered.
        type: str
        required: true
      dimensions:
        description:
          - The dimensions that tell its datasets apart. Those that others imply may be left out, and the order does not matter.
          - Needed unless the dataset type is to be absent; V([]) for one that has a single dataset in a run.
        type: list
        elements: str
      storage_class:
        description:
          - The name of the storage class, which must be known to daf_butler or to the repository's configuration.
          - Needed unless the dataset type is to be absent.
        type: str
      is_calibration:
        description: Whether its datasets may be certified in CALIBRATION collections.
        type: bool
        default: false
      state:
        description:
          - Whether the dataset type is to exist.
          - V(absent) refuses a dataset type of which the repository has datasets.
        type: str
        choices: [present, absent]
        default: present
seealso:
  - module: rubin.butler.butler_files
"""

EXAMPLES = r"""
- name: Reference catalogues, as butler register-dataset-type $REPO the_monster_20240904 SimpleCatalog htm7 does
  rubin.butler.butler_dataset_type:
    repo: /data/butler/ccms1
    dataset_types:
      - name: the_monster_20240904
        dimensions: [htm7]
        storage_class: SimpleCatalog
      - name: the_monster_20250219
        dimensions: [htm7]
        storage_class: SimpleCatalog

- name: A calibration
  rubin.butler.butler_dataset_type:
    repo: /data/butler/ccms1
    dataset_types:
      - name: bias
        dimensions: [instrument, detector]
        storage_class: ExposureF
        is_calibration: true

- name: A dataset type that nothing uses any more
  rubin.butler.butler_dataset_type:
    repo: /data/butler/ccms1
    dataset_types:
      - name: the_monster_20240904
        state: absent
"""

RETURN = r"""
stats:
  description: How many dataset types were there, added and removed; the others are always 0.
  returned: success
  type: dict
  sample: {present: 1, added: 2, replaced: 0, removed: 0, skipped: 0, failed: 0}
changes:
  description: The changes, or in check mode the planned ones; at most 1000.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: add, kind: dataset type, name: the_monster_20240904, before: null,
       after: {dimensions: [htm7], storage_class: SimpleCatalog}, count: 1}
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
from ansible_collections.rubin.butler.plugins.module_utils._states.dataset_types import DatasetTypesState


def main() -> None:
    """Run the module."""
    dataset_type = {
        "name": {"type": "str", "required": True},
        "dimensions": {"type": "list", "elements": "str"},
        "storage_class": {"type": "str"},
        "is_calibration": {"type": "bool", "default": False},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }
    run_state(
        {"dataset_types": {"type": "list", "elements": "dict", "required": True, "options": dataset_type}},
        DatasetTypesState.from_params,
    )


if __name__ == "__main__":
    main()
