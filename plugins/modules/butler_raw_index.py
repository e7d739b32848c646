#!/usr/bin/python
# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: butler_raw_index
short_description: Declare that directories of raw files have current indexes
version_added: 0.1.0
author: the rubin.butler developers (@lsst)
description:
  - Writes C(_index.json) into each directory that holds raw files, as C(astrometadata write-index) does. Where there is
    one, M(rubin.butler.butler_raws) and C(butler ingest-raws) need not open the files.
  - An index is written where there is none, and where it is stale. That is, a file has no entry, an entry has no file,
    a file is newer than the index, the content is of the other kind, or it is no index at all.
  - Of a stale index the entries that are current are kept, and only the headers of the other files are read. An index
    that is current is compared with the names and times of the files, and no file is opened.
  - All headers are read before anything is written. Each index is put into place whole, so that a run that was stopped or
    killed leaves the old one or the new one, and is finished by running the task again.
extends_documentation_fragment:
  - rubin.butler.repository.progress
options:
  directories:
    description:
      - Absolute paths of directories on the managed host. They are searched to any depth, and links are followed.
      - A directory that is not there is an error, and nothing is written. One in which nothing is found is said.
      - Guider files are left out and counted as skipped.
    type: list
    elements: str
    required: true
  instrument:
    description:
      - The instrument that took the raws, by its name, such as V(LSSTComCam), or that of its class.
      - Headers are read with the official translator where the obs package is installed, otherwise with the
        built-in one.
    type: str
    required: true
  content:
    description:
      - What the entries hold.
      - V(translated) is the translated header. It is smaller, and what has to be done for each file at ingest is little.
      - V(metadata) is the header as it is, the primary one with that of the first extension merged over it. It remains
        right when the translator is corrected.
    type: str
    choices: [translated, metadata]
    default: translated
  file_pattern:
    description: Regular expression that is searched for in the names of the files.
    type: str
    default: '\.fit[s]?\b'
  on_error:
    description:
      - What to do about files that can't be put into an index, such as truncated ones, those without a needed keyword and
        those of another instrument.
      - V(fail) lists them all and writes nothing.
      - V(skip) leaves them out, counts them as failed and lists the first hundred in RV(failures). They are tried again by
        the next run.
    type: str
    choices: [fail, skip]
    default: fail
  processes:
    description: How many processes read headers. By default as many as there are processors, at most 16.
    type: int
  log_file:
    description:
      - A file on the managed host to which the task's plan and log are appended. It is made readable by its owner only.
        Nothing is written to it in check mode.
    type: path
attributes:
  check_mode:
    support: full
    description: The whole plan is made, with the headers read, and nothing is written.
  diff_mode:
    support: full
    description: Before and after are sorted YAML, one line for each index, with at most 1000 of them.
  idempotent:
    support: full
    description: When all indexes are current, nothing is written and C(changed) is false.
requirements:
  - Python 3.11 or later on the managed host
  - lsst-daf-butler (PyPI), tested with 30.0.11
seealso:
  - module: rubin.butler.butler_raws
notes:
  - An index gets the time of the newest file that it tells of, and not that of the run. So it is older than each file that
    is written later, whatever the clocks of hosts and file servers say.
  - The structure has one entry for each file. Of a file of DECam, which holds a raw in each extension, the entry tells of
    the first extension only, as that of the official tool does; M(rubin.butler.butler_raws) reads the headers of such
    files all the same.
  - New indexes wait for being written in a temporary file, packed, in the directory that E(TMPDIR) names.
"""

EXAMPLES = r"""
- name: Have indexes in all directories of the archive
  rubin.butler.butler_raw_index:
    directories:
      - /data/raw/LSSTComCam
    instrument: LSSTComCam

- name: Have the headers themselves in the indexes of two nights, even if some files are broken
  rubin.butler.butler_raw_index:
    directories:
      - /archive/raw/LSSTComCam/20241108
      - /archive/raw/LSSTComCam/20241110
    instrument: LSSTComCam
    content: metadata
    on_error: skip
"""

RETURN = r"""
stats:
  description:
    - How many indexes were current (C(present)), were added, and were replaced; how many guider files were skipped, and
      how many files failed.
  returned: success
  type: dict
  sample: {present: 0, added: 8, replaced: 0, removed: 0, skipped: 0, failed: 0}
changes:
  description:
    - The changes, or in check mode the planned ones; at most 1000. There is one for each index, with what was stale about
      it and the names of the first five files whose headers were read.
  returned: success
  type: list
  elements: dict
  sample:
    - action: add
      kind: index
      name: /data/raw/LSSTComCam/20241108/_index.json
      before: null
      after: {content: translated, files: 1}
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
  sample: []
failures:
  description: The first hundred files that can't be put into an index, with reasons.
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

from ansible_collections.rubin.butler.plugins.module_utils._module.options import LOG_FILE, PROGRESS
from ansible_collections.rubin.butler.plugins.module_utils._module.run import run_state
from ansible_collections.rubin.butler.plugins.module_utils._states.raw_index import RawIndexState
from ansible_collections.rubin.butler.plugins.module_utils._storage.listing import FILE_PATTERN


def main() -> None:
    """Run the module."""
    run_state(
        {
            "directories": {"type": "list", "elements": "str", "required": True},
            "instrument": {"type": "str", "required": True},
            "content": {"type": "str", "choices": ["translated", "metadata"], "default": "translated"},
            "file_pattern": {"type": "str", "default": FILE_PATTERN},
            "on_error": {"type": "str", "choices": ["fail", "skip"], "default": "fail"},
            "processes": {"type": "int"},
            **PROGRESS,
        },
        RawIndexState.from_params,
        shared=LOG_FILE,
        needs=("lsst.daf.butler", "lsst.resources", "astro_metadata_translator", "astropy"),
        opens=False,
    )


if __name__ == "__main__":
    main()
