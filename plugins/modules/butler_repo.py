#!/usr/bin/python
# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: butler_repo
short_description: Declare that a Butler repository exists, or does not
version_added: 0.1.0
author: the rubin.butler developers (@lsst)
description:
  - Creates a Butler repository from a seed configuration, as C(butler create --seed-config) does. What it writes
    to C(butler.yaml) and to the registry is the same.
  - Where there is a repository already, it proves that what is there agrees with the seed. Only what the seed sets
    is compared. A difference is shown, and never forced on the repository.
  - A repository that was created by something else is accepted as it is. RV(repository) tells the versions of its
    managers and of its dimension universe. A version that this daf_butler or this collection does not support is an
    error that names C(daf_butler_migrate); nothing is ever migrated here.
  - The tables are made first, and C(butler.yaml) is put in its place last, at once. So whatever stops a run, the
    next one finishes its work. What other programs leave behind is recognized by name - C(butler.yaml) without a
    database, an empty database, tables without the registry's attributes, a registry without C(butler.yaml), a
    C(butler.yaml) that was cut short - and completed as long as the registry holds no data. Where it holds some,
    nothing is written and the error says what to do.
  - Of two runs that create the same repository at the same time, one creates it and the other waits and then finds
    it.
extends_documentation_fragment:
  - rubin.butler.repository
options:
  state:
    description:
      - V(present) creates the repository if it is not there.
      - V(absent) removes it with all of its datasets. See O(confirm).
    type: str
    choices: [present, absent]
    default: present
  seed_config:
    description:
      - The seed configuration. Without O(seed_config) and O(seed_config_file) the defaults of daf_butler are used,
        an SQLite registry and a datastore of local files in the repository's root.
      - A password in C(registry.db), and user information in any other URL, are refused before anything is done,
        because they would be stored in C(butler.yaml) and shown by C(butler config-dump). Credentials belong in
        C(db-auth.yaml) and in the file that E(LSST_RESOURCES_WEBDAV_CONFIG) names.
      - The database of a PostgreSQL registry has to exist, with the extension C(btree_gist). Its namespace is
        created if the role may do that.
      - An obscore manager (C(registry.managers.obscore)) needs its C(cls) and its C(config). The registry keeps the
        latter, and it is compared with that.
    type: dict
  seed_config_file:
    description:
      - A YAML file on the managed host with the seed configuration.
    type: path
  override:
    description:
      - Whether C(datastore.root) and an SQLite C(registry.db) are taken as the seed has them, like the option
        C(--override) of C(butler create).
      - Otherwise daf_butler puts both into the repository's root, whatever the seed says, and the module warns if
        the seed says something else.
    type: bool
    default: false
  standalone:
    description:
      - Whether all defaults are written into C(butler.yaml), so that later changes of them do not concern this
        repository.
      - It matters only when the repository is created.
    type: bool
    default: false
  on_conflict:
    description:
      - What to do about a repository that is not as the seed has it.
      - V(fail) lists every difference, key by key.
      - V(keep) leaves the repository as it is and warns about every difference.
    type: str
    choices: [fail, keep]
    default: fail
  confirm:
    description:
      - The repository's root once more, as an absolute path or a URI. Required by O(state=absent), which otherwise
        fails and lists what it would remove.
      - What goes is what belongs to the repository, first the artifacts in its datastore, then the registry (for
        SQLite the file, for PostgreSQL the tables of a registry in the namespace; the namespace itself stays), then
        C(butler.yaml) and empty directories. Killed half-way, the next run removes the rest.
      - Files that were ingested in place (C(direct)) stay, and so does every file and table that the repository does
        not know. The module warns about those that are left in the root.
      - A directory that holds something and is not a Butler repository is refused. A directory in which unknown
        files were left is such a one afterwards.
    type: str
notes:
  - daf_butler offers no way to remove a registry or to look at half of one. This module, and no other of this
    collection, uses SQLAlchemy for that.
  - In check mode a database that cannot be reached yet is listed in RV(assumes), because an earlier task may be
    about to make it.
seealso:
  - module: rubin.butler.butler_info
  - module: rubin.butler.butler_instrument
"""

EXAMPLES = r"""
- name: A repository with an SQLite registry and local files
  rubin.butler.butler_repo:
    repo: /data/butler/embedded

- name: A PostgreSQL registry and an external datastore
  rubin.butler.butler_repo:
    repo: /data/butler/ccms1
    override: true
    seed_config:
      datastore:
        name: ccms1
        root: /data/artifacts/ccms1
      registry:
        db: postgresql://db.example.org:5432/lsst
        namespace: ccms1

- name: The same from a file on the managed host
  rubin.butler.butler_repo:
    repo: /data/butler/ccms1
    override: true
    seed_config_file: /data/butler-seed_ccms1.yaml

- name: Remove a repository with all of its datasets
  rubin.butler.butler_repo:
    repo: /data/butler/ccms1
    state: absent
    confirm: /data/butler/ccms1
"""

RETURN = r"""
repository:
  description: The repository as it is after the task; in check mode, as it is.
  returned: success
  type: dict
  contains:
    root:
      description: Its root, a path or a URI.
      type: str
      sample: /data/butler/ccms1
    exists:
      description: Whether it is there, and whole.
      type: bool
    database:
      description: The registry's database, without credentials.
      type: str
      sample: postgresql://db.example.org:5432/lsst
    namespace:
      description: The registry's namespace, if it has one.
      type: str
      sample: ccms1
    universe:
      description: C(namespace) and C(version) of the dimension universe; null where there is no repository.
      type: dict
      sample: {namespace: daf_butler, version: 8}
    managers:
      description: C(class) and schema C(version) of each manager of the registry.
      type: dict
      sample:
        datasets:
          class: lsst.daf.butler.registry.datasets.byDimensions._manager.ByDimensionsDatasetRecordStorageManagerUUID
          version: 2.0.0
    daf_butler:
      description: The version of daf_butler on the managed host.
      type: str
      sample: 30.0.11
stats:
  description: How many objects were there, added, replaced (a repository completed), removed, skipped and failed.
  returned: success
  type: dict
  sample: {present: 0, added: 1, replaced: 0, removed: 0, skipped: 0, failed: 0}
changes:
  description: The changes, or in check mode the planned ones; at most 1000.
  returned: success
  type: list
  elements: dict
  sample:
    - action: add
      kind: repository
      name: /data/butler/ccms1
      before: null
      after: {database: 'sqlite:///<butlerRoot>/gen3.sqlite3', seed: {}}
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
  sample: 0.61
"""

from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._module.run import run_state
from ansible_collections.rubin.butler.plugins.module_utils._states.repository import RepositoryState
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_removal import (
    AbsentRepositoryState,
)


def build(params: dict[str, Any]) -> RepositoryState | AbsentRepositoryState:
    """Choose the state."""
    if params["state"] == "absent":
        return AbsentRepositoryState.from_params(params)
    return RepositoryState.from_params(params)


def main() -> None:
    """Run the module."""
    run_state(
        {
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "seed_config": {"type": "dict"},
            "seed_config_file": {"type": "path"},
            "override": {"type": "bool", "default": False},
            "standalone": {"type": "bool", "default": False},
            "on_conflict": {"type": "str", "choices": ["fail", "keep"], "default": "fail"},
            "confirm": {"type": "str"},
        },
        build,
        opens=False,
        more=lambda state: {"repository": state.description},
        mutually_exclusive=[("seed_config", "seed_config_file")],
    )


if __name__ == "__main__":
    main()
