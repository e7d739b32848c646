#!/usr/bin/python
# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: butler_index
short_description: Declare aliases in a repository index
version_added: 0.1.0
author: the rubin.butler developers (@lsst)
description:
  - Writes labels of Butler repositories with their URIs into the file that E(DAF_BUTLER_REPOSITORY_INDEX) names. With such
    a label in place of a URI a repository is opened by C(butler), by C(Butler), and by the modules of this collection.
  - What else is in the file stays as it stands, comments and order included. YAML is edited where the entries are. A
    comment on the line of an entry goes with it, and one above it stays.
  - The repositories are not looked at; they need not exist yet.
options:
  index:
    description:
      - Absolute path of the index on the managed host. It ends with C(.yaml) or C(.json), by which daf_butler tells
        them apart. Where it is a link, the file behind it is written.
      - By default the one that E(DAF_BUTLER_REPOSITORY_INDEX) names in the task's environment.
      - A new file is readable by everybody. Mode and owner of one that is there stay. Its directory has to exist.
    type: path
  aliases:
    description:
      - The labels, each with its URI or absolute path.
      - User information in a URI is refused, because everybody may read the index. Only a profile in a URI with the scheme
        C(s3) is none.
      - With O(state=absent) the URIs are not looked at, and may be left out.
    type: dict
    required: true
  state:
    description: Whether these labels are to be in the index.
    type: str
    choices: [present, absent]
    default: present
  prune:
    description: Whether labels that are not in O(aliases) are removed. It is refused with O(state=absent).
    type: bool
    default: false
  log_file:
    description:
      - A file on the managed host to which the task's plan and log are appended. It is made readable by its owner only.
        Nothing is written to it in check mode.
    type: path
extends_documentation_fragment:
  - rubin.butler.repository.conflict
attributes:
  check_mode:
    support: full
    description: The whole plan is made, and nothing is written. A directory that is missing is an assumption.
  diff_mode:
    support: full
    description: Before and after are sorted YAML, one line for each label, with at most 1000 of them.
  idempotent:
    support: full
    description: When the declared state is there already, nothing is written and C(changed) is false.
requirements:
  - Python 3.11 or later on the managed host
  - PyYAML
seealso:
  - module: rubin.butler.butler_repo
notes:
  - The file is replaced whole. Readers see the old one or the new one, and tasks that write it at the same time take turns.
  - YAML with braces, anchors or aliases can't be edited in place. It is refused, and nothing is written.
  - What a file that is included with C(includeConfigs) declares is not looked at. The line itself stays.
"""

EXAMPLES = r"""
- name: Let everybody on this host open the repository as ccms1
  rubin.butler.butler_index:
    index: /etc/rubin-butler/data-repos.yaml
    aliases:
      ccms1: davs://datastore.example.org/butler/ccms1
      dp02: /sps/lsst/groups/butler/dp02

- name: The repository has moved
  rubin.butler.butler_index:
    aliases:
      dp02: /sps/lsst/groups/butler/dp02_v23
    on_conflict: replace
  environment:
    DAF_BUTLER_REPOSITORY_INDEX: /etc/rubin-butler/data-repos.yaml

- name: An alias that is no longer wanted
  rubin.butler.butler_index:
    index: /etc/rubin-butler/data-repos.yaml
    aliases:
      ccms1:
    state: absent
"""

RETURN = r"""
stats:
  description:
    - How many labels were as declared (C(present)), were added, replaced and removed. C(skipped) counts those that kept
      another URI.
  returned: success
  type: dict
  sample: {present: 1, added: 1, replaced: 0, removed: 0, skipped: 0, failed: 0}
changes:
  description: The changes, or in check mode the planned ones; at most 1000.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: add, kind: alias, name: dp02, before: null, after: /sps/lsst/groups/butler/dp02, count: 1}
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
  description: The first hundred objects that failed, with reasons; there are none here.
  returned: success
  type: list
  elements: dict
  sample: []
seconds:
  description: How long the task took.
  returned: success
  type: float
  sample: 0.01
"""

from ansible_collections.rubin.butler.plugins.module_utils._module.options import LOG_FILE, ON_CONFLICT
from ansible_collections.rubin.butler.plugins.module_utils._module.run import run_state
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_index import (
    RepositoryIndexState,
)


def main() -> None:
    """Run the module."""
    run_state(
        {
            "index": {"type": "path"},
            "aliases": {"type": "dict", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "prune": {"type": "bool", "default": False},
            **ON_CONFLICT,
        },
        RepositoryIndexState.from_params,
        shared=LOG_FILE,
        needs=("yaml",),
        opens=False,
    )


if __name__ == "__main__":
    main()
