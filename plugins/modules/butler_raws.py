#!/usr/bin/python
# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: butler_raws
short_description: Declare which raw files a Butler repository holds
version_added: 0.1.0
author: the rubin.butler developers (@lsst)
description:
  - Ingests raw files into a RUN, as C(butler ingest-raws) does. Dataset ids, data IDs, paths, formatters and the
    records of C(day_obs), C(group) and C(exposure) are the ones that the official tool writes.
  - Only what is missing is done. All sources are listed, and a file whose name tells that the run has its raw is not
    opened. Of the others the headers are read, all of them before anything is written.
  - The records of new exposures and their raws are written in batches, each in one transaction. A run that was stopped
    or killed is finished by running the task again.
  - What exists is only changed with O(on_conflict=replace), and shown before. No dataset and no artifact is ever removed.
extends_documentation_fragment:
  - rubin.butler.repository
  - rubin.butler.repository.transfer
options:
  instrument:
    description:
      - The instrument that took the raws, by its name, such as V(LSSTComCam), or that of its class.
      - It has to be registered, see M(rubin.butler.butler_instrument).
      - Headers are read with the official translator where the obs package is installed, otherwise with the
        built-in one.
    type: str
    required: true
  sources:
    description:
      - Where the files are, on the managed host. Directories, which are searched to any depth, files, glob patterns,
        URIs of files, and URIs of directories with a slash at their end.
      - A source that is not there or can't be read is an error, and nothing is written. A directory in which nothing is
        found is said.
      - Guider files are left out and counted as skipped.
    type: list
    elements: str
    required: true
  run:
    description:
      - The RUN for the raws. It is registered if it does not exist.
      - By default the instrument's usual one, such as C(LSSTComCam/raw/all).
    type: str
  file_pattern:
    description: Regular expression that is searched for in the names of the files in directories.
    type: str
    default: '\.fit[s]?\b'
  on_conflict:
    description:
      - What to do about what exists and is not what was declared. That is a record of an exposure that differs from the
        header, a raw that is recorded at another place than the listed file, a raw that another run has, a raw that the
        run has with another id, and a raw that is in more than one of the files.
      - V(fail) lists every such difference and writes nothing.
      - V(keep) leaves what exists, goes on with the rest and says so. Of a raw in more than one file the recorded one
        counts, or the first. A raw that another run has is not ingested.
      - V(replace) makes it what was declared. Records are replaced, the place of the listed file is recorded, and a raw
        that another run has is ingested here as well. A raw in more than one file, or with another id, remains an
        error.
    type: str
    choices: [fail, keep, replace]
    default: fail
  on_error:
    description:
      - What to do about files that can't be ingested, such as truncated ones, those without a needed keyword and those
        of another instrument.
      - V(fail) lists them all and writes nothing.
      - V(skip) leaves them out, counts them as failed and lists the first hundred in RV(failures).
    type: str
    choices: [fail, skip]
    default: fail
  max_errors:
    description: With O(on_error=skip), more failures than this are an error. There is no bound by default.
    type: int
  batch_size:
    description:
      - How many datasets are written in one transaction. A run can be stopped between batches.
      - Where files are copied or linked, a batch has at most 500 files and 10 GB too.
    type: int
    default: 10000
seealso:
  - module: rubin.butler.butler_instrument
  - module: rubin.butler.butler_tagged
notes:
  - Name directories as O(sources) with O(transfer=move), because a file that was moved is not there the next time. A source
    that a killed run had no time to remove stays.
"""

EXAMPLES = r"""
- name: Ingest the raws of two nights, leaving the files where they are
  rubin.butler.butler_raws:
    repo: /data/butler/ccms1
    instrument: LSSTComCam
    sources:
      - /data/raw/LSSTComCam/20241108
      - /data/raw/LSSTComCam/20241110
    transfer: direct

- name: The biases of one night into a run of their own, even if some files are broken
  rubin.butler.butler_raws:
    repo: /data/butler/trial
    instrument: LSSTComCam
    sources:
      - /data/raw/LSSTComCam/20241108/*/CC_O_20241108_00001?_R22_*.fits
    run: LSSTComCam/raw/trial
    transfer: copy
    on_error: skip
    max_errors: 100

- name: The files were moved to another disk, and the headers of some exposures were corrected
  rubin.butler.butler_raws:
    repo: /data/butler/ccms1
    instrument: LSSTComCam
    sources:
      - /archive/raw/LSSTComCam
    transfer: direct
    on_conflict: replace
"""

RETURN = r"""
stats:
  description:
    - How many raws were there (C(present)); how many datasets, records and collections were added; how many records,
      recorded places and files without a dataset were replaced; how many files were skipped or failed.
  returned: success
  type: dict
  sample: {present: 0, added: 40, replaced: 0, removed: 0, skipped: 0, failed: 0}
changes:
  description:
    - The changes, or in check mode the planned ones; at most 1000. Raws are grouped by day of observation, with the names
      of the first five files.
  returned: success
  type: list
  elements: dict
  sample:
    - action: add
      kind: raws
      name: LSSTComCam/raw/all day_obs=20241108
      before: null
      after: {exposures: 1, files: 1, datasets: 1}
      count: 1
      examples: [CC_O_20241108_000010_R22_S00.fits]
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
  sample: ["instrument: instrument LSSTComCam does not exist"]
failures:
  description: The first hundred files that can't be ingested, with reasons.
  returned: success
  type: list
  elements: dict
  sample: []
seconds:
  description: How long the task took.
  returned: success
  type: float
  sample: 3.5
"""

from ansible_collections.rubin.butler.plugins.module_utils._butler.ingest import BATCH_DATASETS
from ansible_collections.rubin.butler.plugins.module_utils._module.options import ON_CONFLICT, TRANSFER
from ansible_collections.rubin.butler.plugins.module_utils._module.run import NEEDS, run_state
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.state import RawsState
from ansible_collections.rubin.butler.plugins.module_utils._storage.listing import FILE_PATTERN


def main() -> None:
    """Run the module."""
    run_state(
        {
            "instrument": {"type": "str", "required": True},
            "sources": {"type": "list", "elements": "str", "required": True},
            "run": {"type": "str"},
            "file_pattern": {"type": "str", "default": FILE_PATTERN},
            "on_error": {"type": "str", "choices": ["fail", "skip"], "default": "fail"},
            "max_errors": {"type": "int"},
            "batch_size": {"type": "int", "default": BATCH_DATASETS},
            **ON_CONFLICT,
            **TRANSFER,
        },
        RawsState.from_params,
        needs=(*NEEDS, "astro_metadata_translator", "astropy"),
    )


if __name__ == "__main__":
    main()
