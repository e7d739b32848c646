#!/usr/bin/python
# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: butler_certify
short_description: Declare for which times datasets are valid in the CALIBRATION collections of a Butler repository
version_added: 0.1.0
author: the rubin.butler developers (@lsst)
description:
  - Certifies datasets for validity ranges in CALIBRATION collections, which are made if they are not there, or declares that
    nothing is valid for a range.
  - Only what is missing of a range is certified. What is valid already stays as it is.
  - One dataset of a data ID is valid at a time. Another one that is valid in a range that is asked for is treated as
    O(on_conflict) says. The error shows a timeline, which dataset is valid when and which one was asked for.
  - No dataset is ever removed from the repository.
extends_documentation_fragment:
  - rubin.butler.repository
  - rubin.butler.repository.conflict
  - rubin.butler.repository.missing
options:
  certifications:
    description:
      - The certifications. Two of them must not declare different datasets of one data ID for the same time.
    type: list
    elements: dict
    required: true
    suboptions:
      collection:
        description: The CALIBRATION collection.
        type: str
        required: true
      datasets:
        description: The datasets.
        type: list
        elements: dict
        required: true
        suboptions:
          dataset_type:
            description:
              - The dataset types to select, names or patterns such as V(*Flat).
              - One that does not exist, and one that has no selected dataset, are treated as O(on_missing) says.
            type: list
            elements: str
            required: true
          collections:
            description:
              - The collections to select from, names or patterns whose V(*) matches slashes too.
              - Collections that are all named are searched in their order, and the first one that has a data ID wins. A chain is
                searched through all of its RUN and TAGGED collections, as C(butler certify-calibrations --search-all-inputs)
                does; name a run to certify only what is in it. Those that a pattern matches have no order, so it is an error
                if several of them have different datasets of one data ID.
              - Needed for V(state=present). Without it V(state=absent) is about whatever O(certifications[].collection) has.
            type: list
            elements: str
          where:
            description:
              - An expression that the datasets have to fulfil, as for C(butler query-datasets --where).
              - It has to name the instrument if it is about exposures or detectors.
            type: str
          bind:
            description: The values of the identifiers in O(certifications[].datasets[].where), by name.
            type: dict
          data_ids:
            description:
              - "The data IDs that the datasets have to have, or parts of them, such as V({detector: 57})."
              - Those of which a dataset type has no dataset are treated as O(on_missing) says, if it has any.
            type: list
            elements: dict
      begin:
        description:
          - Where the validity range begins, in TAI and in the form of ISO 8601, V(2019-04-02) or V(2019-04-02T12:30:00).
          - Registries hold times from 1970-01-01 to 2100-01-01. Left out, the range has no beginning, which a registry holds as
            the first of these.
        type: str
      end:
        description:
          - Where the validity range ends; the end is not part of it. The form is that of O(certifications[].begin).
          - Left out, the range has no end.
        type: str
      prune:
        description:
          - Whether nothing else of the dataset types of this certification is to be valid in the collection, of any data ID
            and at any time, but what this task declares. Other datasets make room whatever O(on_conflict) says.
          - While something that is declared is not there, and O(on_missing=skip), nothing ends that nothing takes the place of.
          - Not for V(state=absent).
        type: bool
        default: false
      state:
        description:
          - Whether the datasets are to be valid in just this range.
          - V(absent) ends the validity of the selected datasets in it, and leaves it before and after the range. What does
            not exist is not valid, so O(on_missing) does not matter.
        type: str
        choices: [present, absent]
        default: present
notes:
  - Two tasks may certify in the same collection at the same time; they take turns. One that finds that another has changed
    what it had planned for fails, and can be run again.
seealso:
  - module: rubin.butler.butler_collection
  - module: rubin.butler.butler_import
"""

EXAMPLES = r"""
- name: The bias of a night, as butler certify-calibrations has it, in place of the one of an earlier run
  rubin.butler.butler_certify:
    repo: /data/butler/deep
    certifications:
      - collection: DEEP/20190402/calib/bias
        datasets:
          - dataset_type: bias
            collections: [DEEP/20190402/bias]
        begin: 2000-01-01T00:00:00
        end: 2050-01-01T00:00:00
        prune: true

- name: Defects of all times, of detectors that all have to be there
  rubin.butler.butler_certify:
    repo: /data/butler/deep
    certifications:
      - collection: DECam/calib/defects
        datasets:
          - dataset_type: [defects, suspectMask]
            collections: [DECam/calib/defects/20241111]
            data_ids: [{detector: 1}, {detector: 2}, {detector: 3}]

- name: A flat for a week, only where no other is valid
  rubin.butler.butler_certify:
    repo: /data/butler/deep
    on_conflict: keep
    certifications:
      - collection: DEEP/20190402/calib/flat
        datasets:
          - dataset_type: flat
            collections: [DEEP/20190402/flat]
            where: instrument = 'DECam' AND physical_filter = filter
            bind:
              filter: VR
        begin: 2019-04-01
        end: 2019-04-08

- name: No bias for one bad hour, as decertify.py does it for all times
  rubin.butler.butler_certify:
    repo: /data/butler/deep
    certifications:
      - collection: DEEP/20190402/calib/bias
        datasets:
          - dataset_type: bias
        begin: 2019-04-03T04:00:00
        end: 2019-04-03T05:00:00
        state: absent
"""

RETURN = r"""
stats:
  description:
    - How many datasets were valid already, how many became so, and how many of them in place of others; and how many
      validity ranges ended.
    - Collections that were made are counted too, and so are data IDs that were skipped.
  returned: success
  type: dict
  sample: {present: 0, added: 62, replaced: 0, removed: 0, skipped: 0, failed: 0}
changes:
  description: The changes, or in check mode the planned ones; at most 1000. Datasets are grouped by dataset type, collection
    and range.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: add, kind: certifications, name: bias in DEEP/20190402/calib/bias (2000-01-01 to 2050-01-01), before: null,
       after: {datasets: 62}, count: 62, examples: ["bias@{instrument: 'DECam', detector: 1}"]}
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
from ansible_collections.rubin.butler.plugins.module_utils._states.certify.state import CertifyState


def main() -> None:
    """Run the module."""
    datasets = {
        "dataset_type": {"type": "list", "elements": "str", "required": True},
        "collections": {"type": "list", "elements": "str"},
        "where": {"type": "str"},
        "bind": {"type": "dict"},
        "data_ids": {"type": "list", "elements": "dict"},
    }
    certification = {
        "collection": {"type": "str", "required": True},
        "datasets": {"type": "list", "elements": "dict", "required": True, "options": datasets},
        "begin": {"type": "str"},
        "end": {"type": "str"},
        "prune": {"type": "bool", "default": False},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }
    run_state(
        {
            "certifications": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": certification,
            },
            **ON_CONFLICT,
            **ON_MISSING,
        },
        CertifyState.from_params,
    )


if __name__ == "__main__":
    main()
