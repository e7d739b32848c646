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
    opened. Of the others the sidecars or headers are read, all of them before anything is written.
  - The records of new exposures and their raws are written in batches, each in one transaction. A run that was stopped
    or killed is finished by running the task again.
  - Memory does not grow with the number of files. What was found is kept in a temporary file meanwhile, in the folder that
    E(TMPDIR) names; a million files take about half a gigabyte there.
  - What exists is only changed with O(on_conflict=replace), and shown before. No dataset and no artifact is ever removed.
extends_documentation_fragment:
  - rubin.butler.repository
  - rubin.butler.repository.progress
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
      - A file that ends in C(.txt) or C(.list) names one of these on each line; C(#) begins a comment.
      - A file that ends in C(.json) is an index of raw files, see O(sidecars).
      - A file that ends in C(.zip) is a zip of an exposure's raws with the Butler's index in it. It is ingested whole, with
        the UUIDs and the runs that it brings along, whatever O(run) is. In directories zips are looked for only where
        O(file_pattern) matches their names.
      - A zip that is named as its exposure, such as C(MC_O_20250415_000060.zip), is not opened if a raw of that exposure is
        recorded in it, or the exposure is not wanted.
      - A source that is not there or can't be read is an error, and nothing is written. A directory in which nothing is
        found is said.
      - Guider files are left out and counted as skipped.
      - Needed unless O(select) is given.
    type: list
    elements: str
  select:
    description:
      - Raw files that a table names, as the DECam DEEP survey keeps it. They are added to those of O(sources).
      - The column C(path) is needed, relative to O(select.root); files of which C(valid_on_disk) is false are left out
        and counted as skipped. Where the folder of the table has a second one, called C(downloaded_) and the name of
        the first, the two are joined by C(md5sum), and files that were not downloaded are skipped too.
    type: dict
    suboptions:
      table:
        description: The table, an ECSV, CSV or other text table that astropy reads, on the managed host.
        type: path
        required: true
      where:
        description: Columns and the value, or list of values, that they must have.
        type: dict
        default: {}
      root:
        description: Folder that paths are relative to; by default the folder of the table.
        type: path
  verify:
    description:
      - With V(md5) the content of each missing file is compared with the C(md5sum) of the table of O(select) before it is
        ingested. The whole file is read for that.
    type: str
    choices: [md5]
  exposures:
    description: Only these exposures, by id, or ranges of ids such as V(2024110800010..2024110800020).
    type: list
    elements: str
  detectors:
    description: Only these detectors, by id, range of ids or full name such as V(R22_S11).
    type: list
    elements: str
  day_obs:
    description: Only exposures of these days of observation, such as V(20241108) or V(20241108..20241110).
    type: list
    elements: str
  limit:
    description:
      - Only the first so many exposures, by their ids, of all that are meant otherwise, in files and zips together. For a
        trial of a large campaign. Those that are there already count.
    type: int
  shard:
    description:
      - Only one share of the exposures, so that several hosts ingest a campaign together without touching the same
        exposure. Each host lists all files.
    type: dict
    suboptions:
      index:
        description: Which share, counted from 0.
        type: int
        required: true
      count:
        description: Of how many. It has to be the same on all hosts.
        type: int
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
        header, a raw that is recorded at another place than the listed file (with O(check_paths=true)), a raw that another
        run has, a raw that the run has with another id, and a raw that is in more than one of the files.
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
        of another instrument, and files whose names tell another raw than their headers.
      - V(fail) lists them all and writes nothing.
      - V(skip) leaves them out, counts them as failed and lists the first hundred in RV(failures).
    type: str
    choices: [fail, skip]
    default: fail
  max_errors:
    description: With O(on_error=skip), more failures than this are an error. There is no bound by default.
    type: int
  report_file:
    description:
      - File on the managed host that all files that can't be ingested are written to, one JSON object with C(name) and
        C(reason) on each line. It is written anew each time, and empty if there are none. Not in check mode.
    type: path
  check_paths:
    description:
      - Whether the places that the datastore has recorded are compared with those of the files. It takes about a second for
        each ten thousand raws.
      - Without this, a raw that the run has counts as present wherever its artifact is, even if there is none
        (C(butler prune-datasets --unstore)). So do the raws of a zip of which one is recorded there. With this, all zips are
        opened.
    type: bool
    default: false
  sidecars:
    description:
      - Whether to believe the C(_index.json) of a directory, the C(.json) file beside a raw, and the index files among
        O(sources), instead of opening each raw. M(rubin.butler.butler_raw_index) makes them.
      - A sidecar that is broken or disagrees with the name of its file is warned about, and the headers are read. So are
        the headers of files that are no whole number of FITS blocks, and of files that hold many raws (DECam).
    type: bool
    default: true
  processes:
    description: How many processes read headers. By default as many as there are processors, at most 16.
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
    check_paths: true
    on_conflict: replace

- name: Each host of the group ingests its share of a campaign
  rubin.butler.butler_raws:
    repo: /data/butler/ccms1
    instrument: LSSTComCam
    sources:
      - /data/raw/LSSTComCam
    transfer: direct
    shard:
      index: "{{ ansible_play_hosts.index(inventory_hostname) }}"
      count: "{{ ansible_play_hosts | length }}"

- name: The biases of one night of DEEP, as its tables of exposures and downloads have them
  rubin.butler.butler_raws:
    repo: /data/butler/deep
    instrument: DECam
    select:
      table: /data/deep/exposures.ecsv
      root: /data/deep/images
      where:
        night: 20190402
        obs_type: zero
    verify: md5
    transfer: direct
    on_error: skip
    report_file: /data/deep/20190402-zero.failed.jsonl
"""

RETURN = r"""
stats:
  description:
    - How many raws were there (C(present)), not counting other datasets of zips, such as those of guiders; how many
      datasets, records and collections were added; how many records, recorded places and files without a dataset were
      replaced; how many files were skipped or failed.
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
from ansible_collections.rubin.butler.plugins.module_utils._module.options import (
    ON_CONFLICT,
    PROGRESS,
    TRANSFER,
)
from ansible_collections.rubin.butler.plugins.module_utils._module.run import NEEDS, run_state
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.limits import SHARD_OPTIONS
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.selection import SELECT_OPTIONS
from ansible_collections.rubin.butler.plugins.module_utils._states.raws.state import RawsState
from ansible_collections.rubin.butler.plugins.module_utils._storage.listing import FILE_PATTERN


def main() -> None:
    """Run the module."""
    run_state(
        {
            "instrument": {"type": "str", "required": True},
            "sources": {"type": "list", "elements": "str"},
            "select": {"type": "dict", "options": SELECT_OPTIONS},
            "verify": {"type": "str", "choices": ["md5"]},
            "exposures": {"type": "list", "elements": "str"},
            "detectors": {"type": "list", "elements": "str"},
            "day_obs": {"type": "list", "elements": "str"},
            "limit": {"type": "int"},
            "shard": {"type": "dict", "options": SHARD_OPTIONS},
            "run": {"type": "str"},
            "file_pattern": {"type": "str", "default": FILE_PATTERN},
            "on_error": {"type": "str", "choices": ["fail", "skip"], "default": "fail"},
            "max_errors": {"type": "int"},
            "report_file": {"type": "path"},
            "check_paths": {"type": "bool", "default": False},
            "sidecars": {"type": "bool", "default": True},
            "processes": {"type": "int"},
            "batch_size": {"type": "int", "default": BATCH_DATASETS},
            **ON_CONFLICT,
            **PROGRESS,
            **TRANSFER,
        },
        RawsState.from_params,
        needs=(*NEEDS, "astro_metadata_translator", "astropy"),
    )


if __name__ == "__main__":
    main()
