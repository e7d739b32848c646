#!/usr/bin/python
# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: butler_info
short_description: Tell what a Butler repository holds
version_added: 0.1.0
author: the rubin.butler developers (@lsst)
description:
  - Reads the tree of collections, the number of datasets of each type in each collection, the dataset types, the
    number of dimension records, and the versions of what the repository was made with.
  - The repository is opened once, read-only, and counting is left to its database. A reader's credentials suffice.
    Nothing is ever written, and C(changed) is always false.
  - A repository that is not there is an error; in check mode, where an earlier task may be about to make it,
    RV(exists) is false instead.
extends_documentation_fragment:
  - rubin.butler.repository
options:
  collections:
    description:
      - Names and globs of the collections to tell about. What a chain among them contains is told too, at all
        levels.
      - A name that is not there is an error, and in check mode is listed in RV(assumes). A glob may match nothing.
    type: list
    elements: str
    default: ["*"]
  orphans:
    description:
      - Whether to look for files in the datastore that have no record there. All files below the datastore's root
        are listed for that, and all records read, which takes about 10 seconds for 100,000 datasets.
      - A datastore that has no root, or several, is refused.
    type: bool
    default: false
  records:
    description:
      - Dimension elements, such as V(physical_filter), whose records to tell in RV(records), column by column. For those of
        small tables.
    type: list
    elements: str
    default: []
  limit:
    description:
      - How many entries each list may have. RV(totals) counts all of them.
    type: int
    default: 1000
seealso:
  - module: rubin.butler.butler_repo
  - module: rubin.butler.butler_chain
"""

EXAMPLES = r"""
- name: Everything
  rubin.butler.butler_info:
    repo: /data/butler/ccms1

- name: The tree below one chain, and how many datasets are in it
  rubin.butler.butler_info:
    repo: /data/butler/ccms1
    collections: [LSSTComCam/DP1/defaults]
  register: campaign

- name: Show the tree as butler query-collections does
  ansible.builtin.debug:
    var: campaign.tree_lines

- name: Compare the number of raws with what is expected
  ansible.builtin.assert:
    that: raws | sum == 0
  vars:
    raws: "{{ campaign.datasets | selectattr('dataset_type', 'eq', 'raw') | map(attribute='count') }}"

- name: The detectors and filters of the instruments
  rubin.butler.butler_info:
    repo: /data/butler/ccms1
    records: [detector, physical_filter]

- name: Files that killed runs have left
  rubin.butler.butler_info:
    repo: /data/butler/ccms1
    orphans: true
    limit: 20
"""

RETURN = r"""
exists:
  description: Whether there is a repository. Nothing else below is returned if not.
  returned: success
  type: bool
  sample: true
repository:
  description: The repository.
  returned: when it exists
  type: dict
  contains:
    root:
      description: Its root, a path or a URI.
      type: str
      sample: /data/butler/ccms1
    exists:
      description: Always true.
      type: bool
      sample: true
    database:
      description: The registry's database, without credentials.
      type: str
      sample: postgresql://db.example.org:5432/lsst
    namespace:
      description: The registry's namespace, if it has one.
      type: str
      sample: ccms1
    universe:
      description: C(namespace) and C(version) of the dimension universe.
      type: dict
      sample: {namespace: daf_butler, version: 8}
    managers:
      description: C(class) and schema C(version) of each manager of the registry.
      type: dict
      sample:
        collections:
          class: lsst.daf.butler.registry.collections.synthIntKey.SynthIntKeyCollectionManager
          version: 2.0.0
    daf_butler:
      description: The version of daf_butler on the managed host.
      type: str
      sample: 30.0.11
    datastores:
      description: The root of each datastore, by the datastore's name.
      type: dict
      sample: {ccms1: /data/artifacts/ccms1}
collections:
  description: The collections that match, and what the chains among them contain, sorted by name.
  returned: when it exists
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    type:
      description: RUN, TAGGED, CALIBRATION or CHAINED.
      type: str
    doc:
      description: Its documentation.
      type: str
    children:
      description: The children of a chain, in search order.
      type: list
      elements: str
  sample:
    - {name: refcats, type: CHAINED, doc: '', children: [refcats/DM-46370/the_monster_20240904]}
    - {name: refcats/DM-46370/the_monster_20240904, type: RUN, doc: '', children: []}
tree:
  description: The rows of C(butler query-collections --chains=tree).
  returned: when it exists
  type: list
  elements: dict
  contains:
    depth:
      description: The level, 0 for the collections that match.
      type: int
    name:
      description: The collection.
      type: str
    type:
      description: Its type.
      type: str
  sample:
    - {depth: 0, name: refcats, type: CHAINED}
    - {depth: 1, name: refcats/DM-46370/the_monster_20240904, type: RUN}
tree_lines:
  description: The same as text, names indented by two spaces for each level.
  returned: when it exists
  type: list
  elements: str
  sample:
    - refcats                                 CHAINED
    - '  refcats/DM-46370/the_monster_20240904 RUN'
dataset_types:
  description: All dataset types of the repository, sorted by name.
  returned: when it exists
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    dimensions:
      description: Its required dimensions.
      type: list
      elements: str
    storage_class:
      description: Its storage class.
      type: str
    is_calibration:
      description: Whether its datasets may be certified.
      type: bool
  sample:
    - {name: bias, dimensions: [instrument, detector], storage_class: ExposureF, is_calibration: true}
datasets:
  description:
    - How many datasets of each type are in each of RV(collections), chains left out. In a CALIBRATION collection a
      dataset counts once for each validity range.
  returned: when it exists
  type: list
  elements: dict
  sample:
    - {collection: LSSTComCam/raw/all, dataset_type: raw, count: 148849}
dimension_records:
  description: How many records there are of each dimension element that has some.
  returned: when it exists
  type: dict
  sample: {detector: 9, exposure: 16539, instrument: 1}
records:
  description:
    - The records of the elements that O(records) names, in the order of their data IDs. Bytes are hexadecimal, timespans and
      regions text.
  returned: when it exists
  type: dict
  sample:
    physical_filter:
      - {instrument: LSSTCam-imSim, name: g_sim_1.4, band: g}
totals:
  description: How many entries each of the lists above has in all.
  returned: when it exists
  type: dict
  sample: {collections: 59, tree: 59, tree_lines: 59, dataset_types: 21, datasets: 48}
orphans:
  description: Files below the datastore's root that it has no record of; paths relative to the root.
  returned: with O(orphans=true)
  type: dict
  contains:
    total:
      description: How many there are.
      type: int
    files:
      description: The first of them.
      type: list
      elements: str
    temporary_total:
      description: How many there are of those that exist only while something is being written.
      type: int
    temporary_files:
      description: The first of them. Unless something is being written just now, killed runs have left them.
      type: list
      elements: str
  sample:
    total: 1
    files: [LSSTComCam/raw/all/raw/20241108/CC_O_20241108_000120/raw.fits]
    temporary_total: 0
    temporary_files: []
stats:
  description: How many collections there are, as C(present). The other counts are 0.
  returned: success
  type: dict
  sample: {present: 59, added: 0, replaced: 0, removed: 0, skipped: 0, failed: 0}
changes:
  description: Always empty.
  returned: success
  type: list
  elements: dict
  sample: []
truncated:
  description: Always 0.
  returned: success
  type: int
  sample: 0
assumes:
  description: In check mode, what was asked for by name and is not there.
  returned: success
  type: list
  elements: str
  sample: []
failures:
  description: Always empty.
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

from ansible_collections.rubin.butler.plugins.module_utils._module.run import run_state
from ansible_collections.rubin.butler.plugins.module_utils._states.info import InfoState


def main() -> None:
    """Run the module."""
    run_state(
        {
            "collections": {"type": "list", "elements": "str", "default": ["*"]},
            "orphans": {"type": "bool", "default": False},
            "records": {"type": "list", "elements": "str", "default": []},
            "limit": {"type": "int", "default": 1000},
        },
        InfoState.from_params,
        opens=False,
        more=lambda state: state.facts,
    )


if __name__ == "__main__":
    main()
