#!/usr/bin/python
# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: butler_import
short_description: Import exports into a Butler repository, exactly once
version_added: 0.1.0
author: the rubin.butler developers (@lsst)
description:
  - Makes what export files hold be in a repository. These are the files that C(butler export-calibs), C(Butler.export) and
    RTN-103 write; C(butler import) reads them once, this module as often as you like.
  - Every section is compared with the repository first, dimension records, dataset types, collections, datasets,
    associations and chains. What is there is left alone, what is missing is added, and all differences are listed before
    anything is written.
  - The datasets keep their UUIDs, and formatters are recorded under their real names even where their packages are not
    installed.
  - Several exports of one task are one declared set. What they have in common is imported once; where they contradict each
    other, both files are named.
  - A run that was killed or stopped is finished by running the task again. No artifact and no dataset that exists is ever
    removed or overwritten. A file at an artifact's place that no dataset owns, which a killed run leaves behind, is replaced
    and shown as an orphan.
  - Exports of older dimension universes are brought up to date while they are read, as the official tool does it. Exports
    of a newer universe than the repository's, or of another namespace, are refused.
extends_documentation_fragment:
  - rubin.butler.repository
  - rubin.butler.repository.conflict
  - rubin.butler.repository.transfer
  - rubin.butler.repository.progress
options:
  imports:
    description:
      - The exports. What is not given here is taken from the option of the same name beside it.
      - Their order does not matter, but for a dataset that several of them hold; its artifact is the one that the first names.
    type: list
    elements: dict
    required: true
    suboptions:
      file:
        description:
          - The export file on the managed host, or its URI.
          - In check mode one that is not there is an assumption, because an earlier task may be about to make it.
        type: path
        required: true
      directory:
        description: Like O(directory), for this export.
        type: path
      transfer:
        description: Like O(transfer), for this export.
        type: str
        choices: [auto, copy, direct, hardlink, link, move, relsymlink, split, symlink]
      path_map:
        description: Like O(path_map), for this export.
        type: dict
      skip_dimensions:
        description: Like O(skip_dimensions), for this export.
        type: list
        elements: str
      exclude_storage_classes:
        description: Like O(exclude_storage_classes), for this export.
        type: list
        elements: str
      on_missing:
        description: Like O(on_missing), for this export.
        type: str
        choices: [fail, skip]
      import_chains:
        description: Like O(import_chains), for this export.
        type: bool
  directory:
    description:
      - What the relative paths in the exports are relative to, a directory or a URI.
      - The default is the directory of each export file.
    type: path
  path_map:
    description:
      - For exports that were made at another site, what to replace in the paths of artifacts before they are looked for.
      - A key is a leading part of paths that ends where a folder's name does, or if it begins with V(^) a regular expression;
        its value is what replaces it, in which C(\1) stands for a group.
      - The longest leading part that fits is replaced; where none does, the first regular expression that fits.
    type: dict
  skip_dimensions:
    description:
      - Dimension elements whose records are not imported, such as V(instrument) where another task registers it.
    type: list
    elements: str
  exclude_storage_classes:
    description:
      - Storage classes whose dataset types are left out, such as V(TaskMetadata), V(ButlerLogRecords) and V(Config) where only
        the products of a processing are wanted.
      - Their definitions, datasets and associations are not imported, nor are RUN collections that an export names for nothing
        else. What counts is the definition of the dataset type in the export itself.
    type: list
    elements: str
  on_missing:
    description:
      - What to do about artifacts that are to be ingested and are not there.
      - V(fail) lists them and writes nothing; in check mode they are shown as assumptions, because an earlier task may be
        about to make them.
      - V(skip) leaves their datasets out, registry entries and associations included, counts them and names the first hundred.
        The same task run again adds those that have arrived.
    type: str
    choices: [fail, skip]
    default: fail
  import_chains:
    description:
      - Whether CHAINED collections are imported.
      - A chain that exists and only lacks some of the children gets them. One that has other children, or another order, is a
        difference that O(on_conflict) decides about.
    type: bool
    default: true
notes:
  - Dataset types, types of collections, datasets and their associations never follow O(on_conflict), because they can't be
    replaced without losing something. Such a conflict always fails, before anything is written.
  - The artifact of an already imported dataset is not looked at again. With O(transfer=direct) a dataset that is recorded at
    another place than its export names is kept there, with a warning.
seealso:
  - module: rubin.butler.butler_chain
  - module: rubin.butler.butler_instrument
"""

EXAMPLES = r"""
- name: Ingest Pretrained-models catalog
  rubin.butler.butler_import:
    repo: /data/butler/ccms1
    imports:
      - file: /data/exports/pretrained-models-export.yaml
    directory: davs://webdav.example.org:2880/lsst/instrument/ancillary
    transfer: direct

- name: Ingest calibration data of several tickets
  rubin.butler.butler_import:
    repo: /data/butler/ccms1
    imports:
      - file: /data/instrument/ancillary/LSSTComCam.calibs.20250213a/export.yaml
      - file: /data/instrument/ancillary/LSSTComCam.calibs.20250217a/export.yaml
    transfer: direct

- name: Rebuild a repository from another site's exports, as far as its files have arrived
  rubin.butler.butler_import:
    repo: /data/butler/dc2
    imports:
      - file: /data/backup/dc2_export_000.yaml
      - file: /data/backup/dc2_export_001.yaml
    directory: /data/backup
    transfer: hardlink
    path_map:
      /sdf/group/rubin/repo/dc2: /data/backup
      ^u/(\w+)/: users/\1/
    skip_dimensions: [visit_detector_region]
    on_missing: skip
    import_chains: false

- name: Ingest the products of a processing, but not what its tasks say of themselves
  rubin.butler.butler_import:
    repo: /data/butler/dp1
    imports:
      - file: /data/exports/visit_image.yaml
      - file: /data/exports/isr_log.yaml
    directory: davs://webdav.example.org:2880/lsst/releases/dp1
    transfer: direct
    exclude_storage_classes: [TaskMetadata, ButlerLogRecords, Config]
"""

RETURN = r"""
stats:
  description: How many records, dataset types, collections, datasets and associations were there, added, replaced, removed,
    skipped and failed.
  returned: success
  type: dict
  sample: {present: 12, added: 215, replaced: 0, removed: 0, skipped: 0, failed: 0}
changes:
  description: The changes, or in check mode the planned ones; at most 1000. Datasets and their associations are grouped by
    dataset type and collection.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: add, kind: datasets, name: bias in LSSTComCam/calib/DM-48520, before: null, after: {datasets: 9}, count: 9}
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
  sample: 1.8
missing:
  description: The first hundred artifacts that were to be ingested and are not there.
  returned: success
  type: list
  elements: str
  sample: []
missing_datasets:
  description: How many datasets of each type the missing artifacts hold.
  returned: success
  type: dict
  sample: {flat: 3}
"""

from ansible_collections.rubin.butler.plugins.module_utils._butler.transfers import TRANSFERS
from ansible_collections.rubin.butler.plugins.module_utils._module.options import ON_CONFLICT, PROGRESS
from ansible_collections.rubin.butler.plugins.module_utils._module.run import run_state
from ansible_collections.rubin.butler.plugins.module_utils._states.imports.state import ImportsState


def main() -> None:
    """Run the module."""
    shared = {
        "directory": {"type": "path"},
        "transfer": {"type": "str", "choices": list(TRANSFERS)},
        "path_map": {"type": "dict"},
        "skip_dimensions": {"type": "list", "elements": "str"},
        "exclude_storage_classes": {"type": "list", "elements": "str"},
        "on_missing": {"type": "str", "choices": ["fail", "skip"]},
        "import_chains": {"type": "bool"},
    }
    item = {"file": {"type": "path", "required": True}, **shared}
    defaults = {"transfer": "auto", "on_missing": "fail", "import_chains": True}
    run_state(
        {
            "imports": {"type": "list", "elements": "dict", "required": True, "options": item},
            **{name: {**spec, "default": defaults.get(name)} for name, spec in shared.items()},
            **ON_CONFLICT,
            **PROGRESS,
        },
        ImportsState.from_params,
        more=ImportsState.findings,
    )


if __name__ == "__main__":
    main()
