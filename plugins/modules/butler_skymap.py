#!/usr/bin/python
# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: butler_skymap
short_description: Declare the sky maps of a Butler repository
version_added: 0.1.0
author: the rubin.butler developers (@lsst)
description:
  - Registers sky maps with all their tracts and patches, and stores each as the dataset C(skyMap) in the run C(skymaps), as
    C(butler register-skymap) does. The Science Pipelines are not needed for it.
  - Tracts are written in batches, each in one transaction with its patches. A run that was stopped or killed is finished by
    running the task again, which adds what is missing.
  - A sky map that is registered and complete is known by its hash and two counts, which takes no longer than any task.
  - A registered sky map is never changed. The same name with another configuration, and the same configuration under another
    name, are errors that tell what differs, and nothing is written.
extends_documentation_fragment:
  - rubin.butler.repository
  - rubin.butler.repository.progress
options:
  skymaps:
    description:
      - The sky maps. Each has one of O(skymaps[].config_file), O(skymaps[].rings) and O(skymaps[].discrete).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - What the sky map is called in the repository.
          - With O(skymaps[].config_file) the name in the file by default; one that is given here goes before it, as with
            C(-c name=...) of the official tool.
        type: str
      config_file:
        description:
          - A configuration of C(butler register-skymap) on the managed host, such as the C(DC2.py) of a technote. It is read
            as assignments of plain values to options of C(config), and never executed.
          - Sky maps of rings and discrete ones are built in. Those of any other type, such as C(healpix), are made by
            C(lsst.skymap), which the Python that runs the module has to have for them.
        type: path
      rings:
        description: A sky map of rings of declination, C(RingsSkyMap) in C(lsst.skymap).
        type: dict
        suboptions:
          num_rings:
            description: Number of rings between the two polar caps.
            type: int
            required: true
          ra_start:
            description: Right ascension of the centre of each ring's first tract, in degrees. By default 0.
            type: float
          tract_overlap:
            description: Least overlap of neighbouring tracts, in degrees. As in C(lsst.skymap) 1.0 by default.
            type: float
          pixel_scale:
            description: Size of a pixel at the centre of a tract, in arcseconds. By default 0.333.
            type: float
          projection:
            description: Code of the projection of a tract, V(TAN) or V(STG). By default V(STG).
            type: str
          rotation:
            description: Rotation of the pixels on the sky, in degrees. By default 0.
            type: float
          tract_builder:
            description:
              - How patches divide a tract. V(legacy), the default, by their size in pixels; V(cells) by a number of cells.
              - Options of the other one are refused, because they would have no effect.
            type: str
            choices: [legacy, cells]
          patch_inner_dimensions:
            description: For V(legacy), the size of the inner region of a patch in x and y, in pixels. By default 4000 each.
            type: list
            elements: int
          patch_border:
            description: For V(legacy), the width of what lies around it, in pixels. By default 100.
            type: int
          cell_inner_dimensions:
            description: For V(cells), the size of the inner region of a cell in x and y, in pixels. By default 150 each.
            type: list
            elements: int
          cell_border:
            description: For V(cells), the width of what lies around it, in pixels. By default 50.
            type: int
          num_cells_per_patch_inner:
            description: For V(cells), how many cells lie along a side of the inner region of a patch. By default 20.
            type: int
          num_cells_in_patch_border:
            description: For V(cells), how many cells lie across the border of a patch. By default 1.
            type: int
      discrete:
        description:
          - Tracts at given places, C(DiscreteSkyMap) in C(lsst.skymap).
          - All of them need to have as many patches, because C(lsst.skymap) numbers the patches of all tracts alike.
        type: dict
        suboptions:
          ra_list:
            description: Right ascensions of the centres of the tracts, in degrees.
            type: list
            elements: float
            required: true
          dec_list:
            description: Their declinations, in degrees.
            type: list
            elements: float
            required: true
          radius_list:
            description: Half the inner width of each tract, in degrees.
            type: list
            elements: float
            required: true
          tract_overlap:
            description: Least overlap of neighbouring tracts, in degrees. As in C(lsst.skymap) 1.0 by default.
            type: float
          pixel_scale:
            description: Size of a pixel at the centre of a tract, in arcseconds. By default 0.333.
            type: float
          projection:
            description: Code of the projection of a tract, V(TAN) or V(STG). By default V(STG).
            type: str
          rotation:
            description: Rotation of the pixels on the sky, in degrees. By default 0.
            type: float
          tract_builder:
            description:
              - How patches divide a tract. V(legacy), the default, by their size in pixels; V(cells) by a number of cells.
              - Options of the other one are refused, because they would have no effect.
            type: str
            choices: [legacy, cells]
          patch_inner_dimensions:
            description: For V(legacy), the size of the inner region of a patch in x and y, in pixels. By default 4000 each.
            type: list
            elements: int
          patch_border:
            description: For V(legacy), the width of what lies around it, in pixels. By default 100.
            type: int
          cell_inner_dimensions:
            description: For V(cells), the size of the inner region of a cell in x and y, in pixels. By default 150 each.
            type: list
            elements: int
          cell_border:
            description: For V(cells), the width of what lies around it, in pixels. By default 50.
            type: int
          num_cells_per_patch_inner:
            description: For V(cells), how many cells lie along a side of the inner region of a patch. By default 20.
            type: int
          num_cells_in_patch_border:
            description: For V(cells), how many cells lie across the border of a patch. By default 1.
            type: int
notes:
  - Rings and discrete sky maps in the projections TAN and STG are built in, and made without C(lsst.skymap) even where it
    is installed.
seealso:
  - module: rubin.butler.butler_visits
"""

EXAMPLES = r"""
- name: Register the sky map of DP0.2 from its configuration file
  rubin.butler.butler_skymap:
    repo: /data/butler/dp02
    skymaps:
      - name: DC2
        config_file: /data/skymaps/DC2.py

- name: Register a sky map of rings, and one of a single field
  rubin.butler.butler_skymap:
    repo: /data/butler/ccms1
    skymaps:
      - name: coarse_rings
        rings:
          num_rings: 3
          projection: TAN
          tract_overlap: 0.1
          pixel_scale: 20.0
          tract_builder: cells
      - name: one_field
        discrete:
          ra_list: [56.65]
          dec_list: [-36.45]
          radius_list: [0.5]
          projection: TAN
          pixel_scale: 0.2
          tract_overlap: 0.0
"""

RETURN = r"""
skymaps:
  description: For each sky map its size, and whose code makes it.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The sky map's name.
      type: str
    hash:
      description: What identifies its configuration, in hexadecimal digits.
      type: str
    tracts:
      description: How many tracts it has.
      type: int
    patches:
      description: How many patches all of them have.
      type: int
    source:
      description: One of V(built-in) and V(lsst.skymap).
      type: str
  sample:
    - name: DC2
      hash: 1e5fa85fe242606426528f5f7b8dbf01cbaaff9e
      tracts: 18938
      patches: 927962
      source: built-in
stats:
  description:
    - How many records and datasets were there (C(present)) and were added. A sky map counts as one, and so do each of its
      tracts, each of its patches and the stored dataset, and the dataset type and the run of stored sky maps.
  returned: success
  type: dict
  sample: {present: 0, added: 946904, replaced: 0, removed: 0, skipped: 0, failed: 0}
changes:
  description:
    - The changes, or in check mode the planned ones; at most 1000. There is one each for the record, the tracts, the patches
      and the dataset of a sky map, and for the dataset type and the run of stored sky maps.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: add, kind: patches, name: DC2, before: null, after: {patches: 927962}, count: 927962}
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
  sample: 80.4
"""

from ansible_collections.rubin.butler.plugins.module_utils._module.options import PROGRESS
from ansible_collections.rubin.butler.plugins.module_utils._module.run import run_state
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.options import (
    DISCRETE_OPTIONS,
    RINGS_OPTIONS,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.skymaps.state import SkyMapsState

KINDS = [("config_file", "rings", "discrete")]


def main() -> None:
    """Run the module."""
    run_state(
        {
            "skymaps": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str"},
                    "config_file": {"type": "path"},
                    "rings": {"type": "dict", "options": RINGS_OPTIONS},
                    "discrete": {"type": "dict", "options": DISCRETE_OPTIONS},
                },
                "required_one_of": KINDS,
                "mutually_exclusive": KINDS,
            },
            **PROGRESS,
        },
        SkyMapsState.from_params,
        more=SkyMapsState.sources,
    )


if __name__ == "__main__":
    main()
