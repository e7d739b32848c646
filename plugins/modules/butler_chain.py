#!/usr/bin/python
# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: butler_chain
short_description: Declare the chains of a Butler repository
version_added: 0.1.0
author: the rubin.butler developers (@lsst)
description:
  - Makes CHAINED collections and sees to it that their children are there, in the declared order.
  - The order matters, because a Butler searches the children from the first to the last.
  - The declared children take, in the declared order, the places that declared children have in the chain already, and as
    many more as there are new ones, at the end or at the front as O(chains[].order) says. Every other child keeps its place,
    so a chain that has the declared children in the declared order is left alone, whatever stands between them.
  - A chain of this task may be a child of another chain of this task, in whatever order they are given.
  - A name that belongs to a collection of another type, and a chain that would contain itself, directly or through chains
    that exist, are errors. All of them are listed, and nothing is written.
  - All chains of a task change in one transaction.
extends_documentation_fragment:
  - rubin.butler.repository
  - rubin.butler.repository.missing
options:
  chains:
    description: The chains.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The chain's name.
        type: str
        required: true
      children:
        description:
          - The names of the children, first the one that is searched first. V([]) declares a chain without children of its own.
          - A name with V(*), V(?) or V([...]) in it is a pattern as in a shell, whose V(*) matches slashes too. It stands for all
            collections of the repository and chains of this task that it matches, but for the chain itself, for
            those that are declared by name, and for those that an earlier pattern matched.
          - A name that no collection has, and a pattern that matches none, are treated as O(on_missing) says.
          - Needed unless the chain is to be absent.
        type: list
        elements: str
      required:
        description:
          - Those of O(chains[].children) that have to be there even with O(on_missing=skip), as an earlier task makes them. In
            check mode they are taken for granted, so that the chain is shown as it will be.
        type: list
        elements: str
        default: []
      order:
        description: Where children go that are not in the chain yet, at its end or at its front.
        type: str
        choices: [append, prepend]
        default: append
      prune:
        description: Whether children that are not declared leave the chain, which then is exactly O(chains[].children).
        type: bool
        default: false
      sort:
        description:
          - The order of the collections that a pattern stands for.
          - V(name) sorts them by name.
          - V(newest) sorts them by the timestamp at the end of the name, such as C(20250417T034317Z), latest first, as processing
            runs are searched. Names without one follow, by name.
        type: str
        choices: [name, newest]
        default: name
      doc:
        description: The chain's documentation. What is there stays if this is not given.
        type: str
      state:
        description:
          - Whether the chain is to exist.
          - V(absent) removes the chain, never its children. It refuses a chain that is still a child of another one.
        type: str
        choices: [present, absent]
        default: present
seealso:
  - module: rubin.butler.butler_collection
  - module: rubin.butler.butler_info
"""

EXAMPLES = r"""
- name: Reference catalogues, and the collection that processing starts from
  rubin.butler.butler_chain:
    repo: /data/butler/ccms1
    chains:
      - name: refcats
        children:
          - refcats/DM-46370/the_monster_20240904
          - refcats/DM-49042/the_monster_20250219
        prune: true
      - name: LSSTComCam/DP1/defaults
        doc: Inputs of the DP1 processing
        children:
          - LSSTComCam/raw/DP1-RC3/DM-49594
          - refcats
          - skymaps

- name: A chain of all runs of a campaign, the newest first
  rubin.butler.butler_chain:
    repo: /data/butler/ccms1
    chains:
      - name: u/operator/DM-49594
        children: [u/operator/DM-49594/*]
        sort: newest
        order: prepend

- name: A chain that is no longer wanted
  rubin.butler.butler_chain:
    repo: /data/butler/ccms1
    chains:
      - name: u/operator/DM-49594
        state: absent
"""

RETURN = r"""
stats:
  description: How many chains were there, added, replaced (their children or documentation) and removed, and how many
    missing children were skipped.
  returned: success
  type: dict
  sample: {present: 1, added: 1, replaced: 0, removed: 0, skipped: 0, failed: 0}
changes:
  description: The changes, or in check mode the planned ones; at most 1000.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: add, kind: chain, name: refcats, before: null, after: [refcats/DM-46370/the_monster_20240904], count: 1}
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

from ansible_collections.rubin.butler.plugins.module_utils._module.options import ON_MISSING
from ansible_collections.rubin.butler.plugins.module_utils._module.run import run_state
from ansible_collections.rubin.butler.plugins.module_utils._states.chains import ChainsState


def main() -> None:
    """Run the module."""
    chain = {
        "name": {"type": "str", "required": True},
        "children": {"type": "list", "elements": "str"},
        "required": {"type": "list", "elements": "str", "default": []},
        "order": {"type": "str", "choices": ["append", "prepend"], "default": "append"},
        "prune": {"type": "bool", "default": False},
        "sort": {"type": "str", "choices": ["name", "newest"], "default": "name"},
        "doc": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }
    run_state(
        {"chains": {"type": "list", "elements": "dict", "required": True, "options": chain}, **ON_MISSING},
        ChainsState.from_params,
    )


if __name__ == "__main__":
    main()
