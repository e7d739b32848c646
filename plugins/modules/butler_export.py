#!/usr/bin/python
# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: butler_export
short_description: Keep export files of a selection from a Butler repository
version_added: 0.1.0
author: the rubin.butler developers (@lsst)
description:
  - Makes files that C(butler import) and M(rubin.butler.butler_import) read, with the selected datasets, the dimension records
    and dataset types that they need, their runs, and the TAGGED, CALIBRATION and CHAINED collections that are named, with the
    associations and validity ranges that these have of the exported datasets.
  - The repository is only read. Credentials that may only read are enough.
  - The same selection of an unchanged repository gives the same bytes, and a file is written only if it would be another.
    It takes the place of the old one whole or not at all, so that a run that was killed leaves each file as it was or as it is
    to be; the next run finishes the rest.
  - A large selection may be cut into numbered files. Each has the records, runs and associations of its own datasets, so that
    it can be imported by itself; collections without datasets, and chains, are in the first.
  - Files are in the order of dataset type, run and path. So a new dataset among them changes the files after it too.
extends_documentation_fragment:
  - rubin.butler.repository
  - rubin.butler.repository.progress
options:
  exports:
    description: The exports.
    type: list
    elements: dict
    required: true
    suboptions:
      file:
        description:
          - The export file on the managed host. It has to end with C(.yaml), and its directory has to be there.
          - With O(exports[].max_datasets) a number is put before C(.yaml).
        type: path
        required: true
      dataset_type:
        description: The dataset types to export, names or patterns; V(*) for all.
        type: list
        elements: str
        required: true
      collections:
        description:
          - The collections to look for datasets in, names or patterns. All datasets in any of them are exported, also those that
            are hidden behind others in a chain.
          - They come along themselves, a chain with all its children.
        type: list
        elements: str
        required: true
      where:
        description: An expression that the datasets have to fulfil, as for C(butler query-datasets --where).
        type: str
      bind:
        description: The values of the identifiers in O(exports[].where), by name.
        type: dict
      with_collections:
        description:
          - More collections that come along, names or patterns, with what they hold of the exported datasets; chains with all
            their children. No dataset is selected from them.
        type: list
        elements: str
      export_chains:
        description: Whether CHAINED collections come along. Their children do in any case.
        type: bool
        default: true
      skip_dimensions:
        description: Dimension elements whose records are left out, for a repository that has them already.
        type: list
        elements: str
      transfer:
        description:
          - What is done with the artifacts.
          - V(none) leaves them where they are. The paths in the export are relative to the datastore's root, but for artifacts
            that were ingested in place.
          - V(direct) leaves them where they are too, and all paths are absolute.
          - V(copy), V(hardlink), V(symlink) and V(relsymlink) put them into O(exports[].directory); V(link) is a hard link, or a
            symbolic link where that is not possible. Links need a datastore on local disks.
          - An artifact that is in its place already, copied or linked, is left alone. It is recognized by its size and time, and
            where the time leaves doubt by its content.
        type: str
        choices: [none, copy, direct, hardlink, link, relsymlink, symlink]
        default: none
      directory:
        description: Where the artifacts go. The default is the directory of O(exports[].file), where importers look for them.
        type: path
      max_datasets:
        description:
          - How many datasets a file may hold. Then all files are numbered, C(name_000.yaml), C(name_001.yaml) and so on.
          - Without it there is one file, without a number.
        type: int
      mode:
        description:
          - The permissions of the files, such as V('0640').
          - Without it files that are there keep theirs, and new ones get V('0644').
        type: raw
  on_missing:
    description:
      - What to do about dataset types and collections that are named and not there, dataset types of which nothing is selected,
        and datasets without an artifact, which no export can have.
      - V(fail) lists all of it and writes nothing; in check mode it is shown as an assumption, because an earlier task may be
        about to make it.
      - V(skip) leaves it out and counts it.
      - Whether artifacts that the datastore records are still there is seen only where they are copied or linked.
    type: str
    choices: [fail, skip]
    default: fail
  on_conflict:
    description:
      - What to do about a file in the place of an export that is none, and files in the places of artifacts that are not them.
      - V(fail) lists all of them and writes nothing.
      - V(replace) puts the export and the artifacts in their places.
    type: str
    choices: [fail, replace]
    default: fail
  prune:
    description:
      - Whether numbered files that an earlier, larger run of an export has left are removed.
      - Without it they are an error, and nothing is written, because they would be imported with the others. They are recognized
        by their first line; other files are never removed.
    type: bool
    default: false
seealso:
  - module: rubin.butler.butler_import
"""

EXAMPLES = r"""
- name: Calibrations with their validity ranges and artifacts, as butler export-calibs writes them
  rubin.butler.butler_export:
    repo: /data/butler/ccms1
    exports:
      - file: /data/exports/LSSTComCam.calibs/export.yaml
        dataset_type: '*'
        collections: [LSSTComCam/calib]
        transfer: copy

- name: Everything that another site needs, in files of a hundred thousand datasets
  rubin.butler.butler_export:
    repo: /data/butler/dc2
    exports:
      - file: /data/backup/dc2_export.yaml
        dataset_type: ['calexp*', deepCoadd]
        collections: [2.2i/runs/DP0.2]
        where: instrument = 'LSSTCam-imSim' AND band IN (bands)
        bind:
          bands: [g, r]
        with_collections: [2.2i/good*]
        max_datasets: 100000
        mode: '0640'
    prune: true
  register: exported

- name: The same elsewhere
  rubin.butler.butler_import:
    repo: /data/butler/copy
    imports: '{{ exported.exports[0].files | map("community.general.dict_kv", "file") }}'
    directory: /data/butler/dc2
    transfer: direct
"""

RETURN = r"""
stats:
  description: How many files and artifacts were there already, added, replaced and removed, and how many datasets were left out.
  returned: success
  type: dict
  sample: {present: 12, added: 1, replaced: 1, removed: 0, skipped: 0, failed: 0}
changes:
  description:
    - The changes, or in check mode the planned ones; at most 1000. Files are grouped by export, artifacts by dataset type.
    - Those of what is in the files have the C(count) 0, because the files are counted. Where the number of entries stays the
      same a digest tells that they are others.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: replace, kind: exported datasets, name: bias in /data/exports/calibs/export.yaml, before: {entries: 9},
       after: {entries: 10}, count: 0}
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
  description: The first hundred objects that failed, with reasons; here always none.
  returned: success
  type: list
  elements: dict
  sample: []
seconds:
  description: How long the task took.
  returned: success
  type: float
  sample: 1.8
exports:
  description: What the exports are, in check mode what they would be.
  returned: success
  type: list
  elements: dict
  contains:
    file:
      description: The file as it is declared.
      type: str
    files:
      description: The files, in the order in which they are to be imported.
      type: list
      elements: str
    directory:
      description: Where artifacts are, if they were copied or linked.
      type: str
    datasets:
      description: How many datasets of each type they hold.
      type: dict
    missing_datasets:
      description: How many datasets of each type have no artifact.
      type: dict
  sample:
    - {file: /data/exports/calibs/export.yaml, files: [/data/exports/calibs/export.yaml], directory: /data/exports/calibs,
       datasets: {bias: 9}, missing_datasets: {}}
"""

from ansible_collections.rubin.butler.plugins.module_utils._module.options import ON_MISSING, PROGRESS
from ansible_collections.rubin.butler.plugins.module_utils._module.run import run_state
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.declared import TRANSFERS
from ansible_collections.rubin.butler.plugins.module_utils._states.exports.state import ExportsState


def main() -> None:
    """Run the module."""
    export = {
        "file": {"type": "path", "required": True},
        "dataset_type": {"type": "list", "elements": "str", "required": True},
        "collections": {"type": "list", "elements": "str", "required": True},
        "where": {"type": "str"},
        "bind": {"type": "dict"},
        "with_collections": {"type": "list", "elements": "str"},
        "export_chains": {"type": "bool", "default": True},
        "skip_dimensions": {"type": "list", "elements": "str"},
        "transfer": {"type": "str", "choices": list(TRANSFERS), "default": "none"},
        "directory": {"type": "path"},
        "max_datasets": {"type": "int"},
        "mode": {"type": "raw"},
    }
    run_state(
        {
            "exports": {"type": "list", "elements": "dict", "required": True, "options": export},
            **ON_MISSING,
            **PROGRESS,
            "on_conflict": {"type": "str", "choices": ["fail", "replace"], "default": "fail"},
            "prune": {"type": "bool", "default": False},
        },
        ExportsState.from_params,
        opens=False,
        more=lambda state: state.findings(),
    )


if __name__ == "__main__":
    main()
