#!/usr/bin/python
# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: butler_injection_catalogs
short_description: Declare that a run holds catalogues of sources to inject
version_added: 0.1.0
author: the rubin.butler developers (@lsst)
description:
  - Divides catalogues of synthetic sources, also called fakes, by pixel of the sky (V(htm7)) and by band, and stores each part
    with C(Butler.put), as C(ingest_injection_catalog) of C(lsst.source.injection) does. The Science Pipelines are not needed.
  - The dataset type is registered if it is not there, with the dimensions C(htm7) and C(band) and the storage class
    C(ArrowAstropy). So is the run. The records of the bands have to be there, see M(rubin.butler.butler_instrument).
  - Sources of one pixel and band are one dataset, whichever of O(catalogs) they are from, in the order of these.
  - What is stored is read and compared, column by column and row by row. Nothing is written where it is the same, whoever
    wrote it. Catalogues are read in check mode too. They have to fit into memory, once.
  - Datasets of pixels and bands that no catalogue has any more stay.
  - Datasets are written in batches, each in one transaction. A run that was stopped or killed is finished by running the task
    again.
extends_documentation_fragment:
  - rubin.butler.repository
  - rubin.butler.repository.missing
  - rubin.butler.repository.progress
options:
  catalogs:
    description:
      - The catalogues. Each has to have the columns C(ra) and C(dec) in degrees. What else they need depends on the kind of the
        sources, and is not looked at.
      - The bands of the rows are given by one of O(catalogs[].band_column), O(catalogs[].bands) and O(catalogs[].magnitudes).
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Absolute path of a file on the managed host, in FITS, ECSV, CSV, Parquet or another format that astropy reads.
        type: path
        required: true
      format:
        description: What astropy calls the format, such as V(ascii.csv), where it does not recognize it.
        type: str
      columns:
        description:
          - 'Other names for columns, such as V({RA: ra}). A name that is there already stays what it is.'
        type: dict
      defaults:
        description: Columns to add where they are not there, with the one value that all rows get.
        type: dict
      band_column:
        description: The column with the band of each row.
        type: str
      band_names:
        description:
          - 'What values of O(catalogs[].band_column) are called in the repository, such as V({Y: y}).'
        type: dict
      bands:
        description: Bands that all of the rows are in; each gets a copy.
        type: list
        elements: str
      magnitudes:
        description:
          - For each band, the column that has its magnitudes. It becomes the column C(mag) of that band's copy of the rows, and
            the columns of the other bands are left out.
        type: dict
  run:
    description: The RUN for the datasets. It is registered if it does not exist; a collection of another type is an error.
    type: str
    required: true
  dataset_type:
    description: The dataset type.
    type: str
    default: injection_catalog
  on_conflict:
    description:
      - What to do about a dataset of the run that has other rows.
      - V(fail) lists them all and writes nothing.
      - V(keep) leaves them and says so.
      - V(replace) stores what the catalogues have in their place. They keep their ids.
    type: str
    choices: [fail, keep, replace]
    default: fail
seealso:
  - module: rubin.butler.butler_files
"""

EXAMPLES = r"""
- name: The fakes of the DEEP survey
  rubin.butler.butler_injection_catalogs:
    repo: /data/butler/deep
    run: DEEP/fakes
    catalogs:
      - path: /data/deep/fakes.fits
        columns: {RA: ra, DEC: dec, MAG: mag, BAND: band}
        defaults: {band: VR, source_type: DeltaFunction}
        band_column: band
        band_names: {Y: y}

- name: Stars with a magnitude for each band, and galaxies of one band
  rubin.butler.butler_injection_catalogs:
    repo: /data/butler/deep
    run: injection/defaults
    catalogs:
      - path: /data/deep/stars.ecsv
        magnitudes: {g: mag_g, VR: mag_vr}
      - path: /data/deep/galaxies.csv
        format: ascii.csv
        bands: [VR]
"""

RETURN = r"""
stats:
  description:
    - How many dataset types, runs and datasets were there, and how many were added.
    - Datasets that were stored in place of others count as replaced, and so do files without a dataset that they
      replaced; catalogues that are not there count as skipped.
  returned: success
  type: dict
  sample: {present: 2, added: 148, replaced: 0, removed: 0, skipped: 0, failed: 0}
changes:
  description:
    - The changes, or in check mode the planned ones; at most 1000.
    - New datasets are one change, with the first pixels. A dataset that is replaced is one of its own.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: add, kind: datasets, name: injection_catalog in DEEP/fakes, before: null, after: {datasets: 148, rows: 912000},
       count: 148, examples: [htm7 147355 in VR: 6120 rows]}
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
  description: The first hundred objects that failed, with reasons; none, as the first ends the task.
  returned: success
  type: list
  elements: dict
  sample: []
seconds:
  description: How long the task took.
  returned: success
  type: float
  sample: 4.1
"""

from ansible_collections.rubin.butler.plugins.module_utils._module.options import (
    ON_CONFLICT,
    ON_MISSING,
    PROGRESS,
)
from ansible_collections.rubin.butler.plugins.module_utils._module.run import NEEDS, run_state
from ansible_collections.rubin.butler.plugins.module_utils._states.injection.state import InjectionState


def main() -> None:
    """Run the module."""
    run_state(
        {
            "catalogs": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "path": {"type": "path", "required": True},
                    "format": {"type": "str"},
                    "columns": {"type": "dict"},
                    "defaults": {"type": "dict"},
                    "band_column": {"type": "str"},
                    "band_names": {"type": "dict"},
                    "bands": {"type": "list", "elements": "str"},
                    "magnitudes": {"type": "dict"},
                },
            },
            "run": {"type": "str", "required": True},
            "dataset_type": {"type": "str", "default": "injection_catalog"},
            **ON_CONFLICT,
            **ON_MISSING,
            **PROGRESS,
        },
        InjectionState.from_params,
        needs=(*NEEDS, "astropy", "numpy", "lsst.sphgeom", "pyarrow"),
    )


if __name__ == "__main__":
    main()
