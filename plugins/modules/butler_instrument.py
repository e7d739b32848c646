#!/usr/bin/python
# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: butler_instrument
short_description: Declare the instruments of a Butler repository
version_added: 0.1.0
author: the rubin.butler developers (@lsst)
description:
  - Registers instruments with their detectors and physical filters, as C(butler register-instrument) does.
  - The records of an instrument come from the first of these sources that can serve. Its official class, where the
    obs package is installed for the Python that runs the module. The built-in definition of C(LSSTComCam),
    C(LSSTCam-imSim), C(LSSTCam) and C(DECam), which writes records equal to those of the official class. A definition
    given as data in O(definitions).
  - Detectors and filters that the repository has besides are left alone.
extends_documentation_fragment:
  - rubin.butler.repository
  - rubin.butler.repository.conflict
options:
  instruments:
    description:
      - The instruments, each by the name of its class, such as V(lsst.obs.lsst.LsstComCam), or by its own name, such as
        V(LSSTComCam).
    type: list
    elements: str
    required: true
  definitions:
    description:
      - Definitions of instruments as data, by the instrument's name, for those whose class is not installed and that are
        not built in.
      - "The keys of a definition: C(class_name), the full name of the official class; C(visit_max), C(exposure_max) and
        C(detector_max), the bounds of its numbers; C(visit_system), V(one-to-one), V(by-group-metadata),
        V(by-seq-start-end) or its number; C(detectors), C(filters); and optionally C(raw_formatter), the full name of
        the class that reads its raws."
      - "The keys of a detector: C(id), C(full_name), and optionally C(name_in_raft), which is the full name by default,
        C(raft), and C(purpose), V(SCIENCE) by default."
      - "The keys of a filter: C(physical_filter), and optionally C(band), which is the same name by default."
      - All that is wrong with a definition is listed in one error.
    type: dict
    default: {}
seealso:
  - module: rubin.butler.butler_raws
notes:
  - Records that another instrument class or an older version of it wrote may differ. O(on_conflict) decides about them,
    and the changes show them column by column. Replacing a record keeps all exposures and datasets that refer to it.
"""

EXAMPLES = r"""
- name: Register the instrument
  rubin.butler.butler_instrument:
    repo: /data/butler/ccms1
    instruments:
      - lsst.obs.lsst.LsstComCam

- name: Two instruments, whose records are made what their definitions say
  rubin.butler.butler_instrument:
    repo: /data/butler/ccms1
    instruments:
      - LSSTCam-imSim
      - DECam
    on_conflict: replace

- name: An instrument that is described here
  rubin.butler.butler_instrument:
    repo: /data/butler/ccms1
    instruments:
      - TestCam
    definitions:
      TestCam:
        class_name: lsst.obs.test.TestCam
        visit_max: 9999999
        exposure_max: 9999999
        detector_max: 10
        visit_system: one-to-one
        detectors:
          - {id: 0, full_name: R00_S00, name_in_raft: S00, raft: R00}
          - {id: 1, full_name: R00_S01, name_in_raft: S01, raft: R00, purpose: GUIDER}
        filters:
          - {physical_filter: r_01, band: r}
          - {physical_filter: clear}
"""

RETURN = r"""
instruments:
  description: For each instrument the source of its records, and why sources before that one could not serve.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The instrument's name.
      type: str
    class_name:
      description: The full name of its class.
      type: str
    source:
      description: One of V(class), V(built-in) and V(definition).
      type: str
    note:
      description: Why the sources before this one did not serve; may be empty.
      type: str
  sample:
    - name: LSSTComCam
      class_name: lsst.obs.lsst.LsstComCam
      source: built-in
      note: "lsst.obs.lsst.LsstComCam can't be imported: there is no module lsst.obs.lsst"
stats:
  description: How many records were there, added, replaced, removed, skipped and failed.
  returned: success
  type: dict
  sample: {present: 0, added: 25, replaced: 0, removed: 0, skipped: 0, failed: 0}
changes:
  description: The changes, or in check mode the planned ones; at most 1000.
  returned: success
  type: list
  elements: dict
  sample:
    - action: add
      kind: physical_filter
      name: LSSTComCam r_03
      before: null
      after: {instrument: LSSTComCam, name: r_03, band: r}
      count: 1
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

from ansible_collections.rubin.butler.plugins.module_utils._module.options import ON_CONFLICT
from ansible_collections.rubin.butler.plugins.module_utils._module.run import run_state
from ansible_collections.rubin.butler.plugins.module_utils._states.instruments import InstrumentsState


def main() -> None:
    """Run the module."""
    run_state(
        {
            "instruments": {"type": "list", "elements": "str", "required": True},
            "definitions": {"type": "dict", "default": {}},
            **ON_CONFLICT,
        },
        InstrumentsState.from_params,
        more=InstrumentsState.sources,
    )


if __name__ == "__main__":
    main()
