#!/usr/bin/python
# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: butler_visits
short_description: Declare that visits are defined for exposures
version_added: 0.1.0
author: the rubin.butler developers (@lsst)
description:
  - Defines visits, as C(butler define-visits) does, with the regions on the sky that they and their detectors cover.
    Ids, names and all other columns are the ones that the official tool writes; corners of regions are within a
    millionth of an arcsecond of its, or of 4 milliarcseconds for a pointing that is as close to a pole.
  - The Science Pipelines are not needed. Regions are made with the nominal geometry of the camera, which is built in for
    LSSTCam, LSSTComCam, LSSTCam-imSim and DECam.
  - Exposures that are known not to see the sky, or have no pointing (C(tracking_ra), C(tracking_dec) and C(sky_angle)), are
    no visits. They are counted as skipped.
  - Visits are written in batches, each visit with all that belongs to it in one transaction. A run that was stopped or
    killed is finished by running the task again.
  - What exists is only changed with O(on_conflict=replace) or O(incremental=true), and shown before. No visit is removed.
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
  collections:
    description:
      - Only exposures of which one of these collections has a raw. RUN, TAGGED and CHAINED collections can be named.
      - The C(--collections) of C(butler define-visits) does not restrict exposures, it only names where the camera's geometry
        is. Leave this option out to do as C(butler define-visits) does without C(--where).
      - Of O(collections), O(exposures) and O(where) any may be given, and an exposure has to meet all that are. By default
        visits are defined for all exposures of the instrument.
    type: list
    elements: str
  exposures:
    description:
      - Only these exposures, by id, or ranges of ids such as V(2024110800010..2024110800020).
      - An id that is named by itself has to exist.
    type: list
    elements: str
  where:
    description: Only exposures that meet this expression of daf_butler. The instrument need not be named in it.
    type: str
  grouping:
    description:
      - Which exposures make a visit.
      - With V(one-to-one) each exposure is a visit.
      - With V(one-to-one-and-by-counter) too, and the exposures of a day between whose counters C(seq_start) and C(seq_end)
        there are several make one more visit together. That has the id of the first exposure, whose own visit then has
        a V(9) before its id and V(_first) after its name. It is not defined while the first exposure is not there.
      - With V(by-group-metadata) the exposures of a group make a visit with the number of the group.
      - The region of a visit of several exposures is that of the earliest, and so are those of its detectors. Its other
        columns are folded from all of them, from the earliest to the latest.
      - A visit can't be defined of exposures with several filters, for a pointing that is not on the sky, for a group whose
        name gives no number, or with an id or a name that another visit has. That is a conflict, and
        O(on_conflict=keep) leaves it out.
    type: str
    choices: [one-to-one, one-to-one-and-by-counter, by-group-metadata]
    default: one-to-one
  padding:
    description: How many pixels are added on each side of a detector for its region.
    type: int
    default: 250
  incremental:
    description:
      - Whether exposures come bit by bit. Then other exposures of the same groups are taken into account wherever their
        raws are, and a visit that gets more exposures is updated and not a conflict.
      - Other differences of existing visits remain conflicts, unlike with the official tool.
      - A visit that is in a visit system of another grouping too gets no more exposures, see O(on_conflict).
    type: bool
    default: false
  on_conflict:
    description:
      - What to do about a visit that exists and differs, in any column, in its region or in its exposures.
      - V(fail) lists every such difference and writes nothing.
      - V(keep) leaves such visits as they are, leaves out those that can't be defined, goes on with the rest and says so.
      - V(replace) makes them what was declared, with the regions of all detectors. An exposure can't be taken from a visit,
        nor a visit from a visit system. So it remains an error if a visit would lose exposures, or get more while it is in
        a visit system that O(grouping) does not put it in; such as the visit of a first snap, defined one to one, that
        V(one-to-one-and-by-counter) makes the visit of all snaps.
    type: str
    choices: [fail, keep, replace]
    default: fail
  check_detector_regions:
    description:
      - Whether the regions of the detectors of existing visits are looked at too. It takes about a minute for a million
        of them. Missing ones are added, and a visit of which some differ is a conflict.
      - Without this, a visit that exists has all of them, as neither this module nor the official tool writes a part.
    type: bool
    default: false
  batch_size:
    description:
      - How many regions of detectors are written in one transaction. A visit is never divided. A run can be stopped between
        batches.
    type: int
    default: 10000
seealso:
  - module: rubin.butler.butler_raws
  - module: rubin.butler.butler_instrument
notes:
  - A C(camera) dataset in O(collections), which the official tool would take the geometry from, can't be read without the
    Science Pipelines. A warning says so where there is one.
  - A visit that exists already, from another grouping, is added to the visit systems of this one if it is the same visit.
  - Two tasks may define visits at the same time; they take turns, batch by batch, and look at each visit again before it
    is written. Where another one has made something else of it meanwhile, the task fails and can be run again; with
    O(on_conflict=keep) it leaves such visits and says so.
"""

EXAMPLES = r"""
- name: Define a visit for each exposure
  rubin.butler.butler_visits:
    repo: /data/butler/ccms1
    instrument: LSSTComCam
    collections: [LSSTComCam/raw/all]

- name: The nights of one week, in which some visits had two snaps
  rubin.butler.butler_visits:
    repo: /data/butler/snaps
    instrument: lsst.obs.lsst.LsstComCam
    where: exposure.day_obs >= 20241104 AND exposure.day_obs <= 20241110
    grouping: one-to-one-and-by-counter
    incremental: true

- name: Two exposures whose headers were corrected after their visits had been defined
  rubin.butler.butler_visits:
    repo: /data/butler/ccms1
    instrument: LSSTComCam
    exposures: [2024110800266, 2024110800267]
    on_conflict: replace
    check_detector_regions: true
"""

RETURN = r"""
geometry:
  description: What the regions are made with. There is but one, V(built-in, nominal), so far.
  returned: success
  type: str
  sample: built-in, nominal
stats:
  description:
    - How many visits were there (C(present)); how many visits, visit systems, memberships of existing visits in them and
      missing detector regions of existing visits were added; how many visits were replaced; and as C(skipped) how many
      exposures are not on the sky, and how many visits can't be defined and were left out with O(on_conflict=keep).
  returned: success
  type: dict
  sample: {present: 0, added: 6, replaced: 0, removed: 0, skipped: 3, failed: 0}
changes:
  description:
    - The changes, or in check mode the planned ones; at most 1000. Visits are grouped by day of observation, with the names
      of the first five.
  returned: success
  type: list
  elements: dict
  sample:
    - action: add
      kind: visits
      name: LSSTComCam one-to-one day_obs=20241108
      before: null
      after: {visits: 1, detector_regions: 9}
      count: 1
      examples: [CC_O_20241108_000266]
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
  sample: ["collections: collection LSSTComCam/raw/all does not exist"]
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
  sample: 2.5
"""

from ansible_collections.rubin.butler.plugins.module_utils._module.options import ON_CONFLICT, PROGRESS
from ansible_collections.rubin.butler.plugins.module_utils._module.run import NEEDS, run_state
from ansible_collections.rubin.butler.plugins.module_utils._sky.camera import DEFAULT_PADDING
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.grouping import GROUPINGS
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.state import VisitsState
from ansible_collections.rubin.butler.plugins.module_utils._states.visits.wanted import BATCH_REGIONS


def main() -> None:
    """Run the module."""
    run_state(
        {
            "instrument": {"type": "str", "required": True},
            "collections": {"type": "list", "elements": "str"},
            "exposures": {"type": "list", "elements": "str"},
            "where": {"type": "str"},
            "grouping": {"type": "str", "choices": list(GROUPINGS), "default": "one-to-one"},
            "padding": {"type": "int", "default": DEFAULT_PADDING},
            "incremental": {"type": "bool", "default": False},
            "check_detector_regions": {"type": "bool", "default": False},
            "batch_size": {"type": "int", "default": BATCH_REGIONS},
            **ON_CONFLICT,
            **PROGRESS,
        },
        VisitsState.from_params,
        needs=(*NEEDS, "numpy", "lsst.sphgeom"),
        more=VisitsState.told,
    )


if __name__ == "__main__":
    main()
