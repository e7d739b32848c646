#!/usr/bin/python
# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: butler_files
short_description: Declare which files a Butler repository holds as datasets, with data IDs from a table or their names
version_added: 0.1.0
author: the rubin.butler developers (@lsst)
description:
  - Ingests files such as reference catalogues and truth tables into a RUN, as C(butler ingest-files) does. Their data IDs come
    from the columns of a table, or from their names.
  - The dataset type has to exist, see M(rubin.butler.butler_dataset_type), and so do the records that the data IDs refer to,
    such as those of a sky map. Pixels of the sky (V(htm7)) have no records.
  - Only what is missing is done. A dataset of the run that has the data ID counts as present, whatever its id. Files are looked
    at before anything is written, but for those whose datasets are present.
  - Datasets are written in batches, each in one transaction. A run that was stopped or killed is finished by running the task
    again. Datasets that exist are never overwritten and never removed.
  - A new dataset gets the id that follows from its dataset type, data ID and run, where C(butler ingest-files) gives random
    ids by default (it calls this one C(DATAID_TYPE_RUN)). With random ids two writers, or a second run after a
    killed one, could not tell that they mean the same datasets.
extends_documentation_fragment:
  - rubin.butler.repository
  - rubin.butler.repository.missing
  - rubin.butler.repository.progress
  - rubin.butler.repository.transfer
options:
  dataset_type:
    description: The dataset type that the files are.
    type: str
    required: true
  run:
    description: The RUN for the datasets. It is registered if it does not exist; a collection of another type is an error.
    type: str
    required: true
  table:
    description:
      - A table on the managed host, in ECSV, CSV or another format that astropy recognizes. It has to be there in check mode too.
      - The first column, whatever its name, has the files, and each other column is named after the dimension whose values it has.
        A file may have several rows, with a data ID each.
      - Values of dimensions that follow from others, such as V(band) from V(physical_filter), may be given, and have to be right.
    type: path
  prefix:
    description:
      - Absolute path or URI that relative names in O(table) start at. By default that is the directory of the table.
    type: str
  directory:
    description:
      - Instead of O(table), the absolute path of a directory on the managed host, or a URI of one, with the files.
      - Links to directories in it are not followed.
    type: str
  pattern:
    description:
      - Regular expression with named groups, such as V((?P<htm7>\\d+\)\\.fits), that the files in O(directory) match. It has to match
        the whole path relative to the directory; the other files are left out.
      - The groups are named after the dimensions whose values they match.
      - That no file matches is an error, but with O(transfer=move), which leaves none behind.
    type: str
  data_id:
    description: Values of dimensions that all files share. They go before those of O(table) or O(pattern).
    type: dict
  formatter:
    description:
      - The dotted name of the class that reads the files. By default the one that the repository configures for the dataset
        type, its dimensions or its storage class.
      - It is recorded by name, and need not be installed on the managed host.
    type: str
  on_conflict:
    description:
      - What to do about a dataset that is recorded at another place outside the datastore than the declared file.
      - V(fail) lists them all and writes nothing.
      - V(keep) leaves the places that are recorded and says so.
      - V(replace) records the declared places. The files themselves stay.
    type: str
    choices: [fail, keep, replace]
    default: fail
seealso:
  - module: rubin.butler.butler_dataset_type
  - module: rubin.butler.butler_import
"""

EXAMPLES = r"""
- name: A reference catalogue, left where it is, from the table that came with it
  rubin.butler.butler_files:
    repo: /data/butler/ccms1
    dataset_type: the_monster_20240904
    run: refcats/DM-46370/the_monster_20240904
    table: /data/ccms1/the_monster_20240904.ecsv
    prefix: /data/raw/refcats/the_monster_20240904/
    transfer: direct

- name: A reference catalogue without a table, whose files are named after their pixels
  rubin.butler.butler_files:
    repo: /data/butler/ccms1
    dataset_type: the_monster_20250219
    run: refcats/DM-49042/the_monster_20250219
    directory: /data/raw/refcats/the_monster_20250219
    pattern: (?P<htm7>\d+)\.fits
    transfer: direct

- name: Truth tables of one sky map, as far as they are there
  rubin.butler.butler_files:
    repo: /data/butler/ccms1
    dataset_type: truth_summary
    run: 2.2i/truth_summary
    table: /data/ccms1/truth_tables.csv
    data_id:
      skymap: DC2
    formatter: lsst.daf.butler.formatters.parquet.ParquetFormatter
    transfer: copy
    on_missing: skip
"""

RETURN = r"""
stats:
  description:
    - How many datasets were there and how many were ingested.
    - Places that were recorded anew and files that replaced unrecorded ones count as replaced, missing files as skipped, and
      a run that was registered as added.
  returned: success
  type: dict
  sample: {present: 1000, added: 2, replaced: 0, removed: 0, skipped: 0, failed: 0}
changes:
  description: The changes, or in check mode the planned ones; at most 1000. Datasets are one change, with the first files.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: add, kind: datasets, name: the_monster_20240904 in refcats/DM-46370/the_monster_20240904, before: {datasets: 1000},
       after: {datasets: 1002}, count: 2, examples: [/data/raw/refcats/the_monster_20240904/147355.fits]}
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

from ansible_collections.rubin.butler.plugins.module_utils._module.options import (
    ON_CONFLICT,
    ON_MISSING,
    PROGRESS,
    TRANSFER,
)
from ansible_collections.rubin.butler.plugins.module_utils._module.run import run_state
from ansible_collections.rubin.butler.plugins.module_utils._states.files import FilesState


def main() -> None:
    """Run the module."""
    run_state(
        {
            "dataset_type": {"type": "str", "required": True},
            "run": {"type": "str", "required": True},
            "table": {"type": "path"},
            "prefix": {"type": "str"},
            "directory": {"type": "str"},
            "pattern": {"type": "str"},
            "data_id": {"type": "dict"},
            "formatter": {"type": "str"},
            **ON_CONFLICT,
            **ON_MISSING,
            **PROGRESS,
            **TRANSFER,
        },
        FilesState.from_params,
        mutually_exclusive=[("table", "directory")],
        required_one_of=[("table", "directory")],
        required_together=[("directory", "pattern")],
    )


if __name__ == "__main__":
    main()
