#!/usr/bin/python
# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: butler_defects
short_description: Declare that runs hold the defects that bad-pixel masks stand for
version_added: 0.1.0
author: the rubin.butler developers (@lsst)
description:
  - Makes defects of bad-pixel masks, one FITS file for each detector, such as those of DECam (BPM). Bad pixels are merged into
    rectangles, and stored as the FITS tables that C(lsst.ip.isr.Defects) reads and writes. The Science Pipelines are not needed.
  - Each dataset type gets a dataset for every detector that any of O(sources) has a mask of, without rectangles where there
    are no such pixels, as the DEEP survey's C(defects.py) does.
  - Dataset types are registered if they are not there, with the dimensions C(instrument) and C(detector), the storage class
    C(Defects), and as calibrations. So are the runs. The records of the instrument and its detectors have to be there, see
    M(rubin.butler.butler_instrument).
  - What is stored is compared by its pixels and the keywords of its header, however the pixels are divided and whoever wrote it.
    Nothing is written where they are the same. Masks are read in check mode too.
  - Datasets are written in batches, each in one transaction. A run that was stopped or killed is finished by running the task
    again.
  - Defects are used once they are certified, see M(rubin.butler.butler_certify).
extends_documentation_fragment:
  - rubin.butler.repository
  - rubin.butler.repository.missing
  - rubin.butler.repository.progress
options:
  instrument:
    description: Name of the instrument, such as V(DECam).
    type: str
    required: true
  sources:
    description: Sets of masks.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What O(dataset_types[].pixels[].source) calls it.
        type: str
        required: true
      directory:
        description: Absolute path of a directory on the managed host, or a URI of one. Links to directories in it are not followed.
        type: str
        required: true
      pattern:
        description:
          - Regular expression that the files of masks match. It has to match the whole path relative to O(sources[].directory);
            the other files are left out. That no file matches is an error.
          - Its group V((?P<detector>\\d+\)) is the number of the detector. Without such a group, O(detector_keyword) is read.
          - The mask is the first image in the file, compressed or not. Its first pixel is that of the detector without overscan.
        type: str
        required: true
  dataset_types:
    description: What is made of the masks.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the dataset type, such as V(defects).
        type: str
        required: true
      run:
        description: The RUN for the datasets. It is registered if it does not exist; a collection of another type is an error.
        type: str
        required: true
      pixels:
        description:
          - Which pixels are meant. Those of several entries are merged.
          - With none of V(values), V(except_values) and V(bits), an entry means each pixel that is not 0.
        type: list
        elements: dict
        required: true
        suboptions:
          source:
            description: One of O(sources). A detector of which it has no mask has none of these pixels.
            type: str
            required: true
          values:
            description: Pixels of these values.
            type: list
            elements: int
          except_values:
            description: Pixels that are not 0 and of none of these values.
            type: list
            elements: int
          bits:
            description: Pixels that have any of these bits, such as V(512), among others or alone.
            type: list
            elements: int
      metadata:
        description:
          - Further keywords for the headers, such as V(CALIBDATE). Keywords of up to 32 capital letters, digits, C(-) and C(_);
            texts that don't end with a blank, and numbers.
        type: dict
  detectors:
    description:
      - The detectors. By default those of which any of O(sources) has a mask.
      - O(on_missing) is about those of this list of which none has one.
    type: list
    elements: int
  detector_keyword:
    description:
      - The keyword of a mask's header that has the number of the detector. It is read where the name does not tell, and checked
        where it is there.
    type: str
    default: CCDNUM
  on_conflict:
    description:
      - What to do about a dataset of the run that is stored with other pixels or keywords.
      - V(fail) lists them all and writes nothing.
      - V(keep) leaves them and says so.
      - V(replace) stores what the masks have in their place. They keep their ids, tags and certifications.
    type: str
    choices: [fail, keep, replace]
    default: fail
notes:
  - "How it was checked that the real class reads what is stored: C(lsst.ip.isr) is not on PyPI, so its two files
    C(defects.py) and C(calibType.py), of April 2026 and unchanged, were run with small stand-ins for the compiled packages
    that they import (boxes, points and property lists). C(Defects.readFits) gave the same boxes, instrument, detector and
    keywords, and what C(writeFits) wrote of them was the same again. The step that divides pixels into boxes anew
    (C(normalize_on_init)) needs C(lsst.afw) and was left out."
seealso:
  - module: rubin.butler.butler_certify
  - module: rubin.butler.butler_instrument
"""

EXAMPLES = r"""
- name: Defects and suspect pixels of DECam, from the masks of DES and of the Community Pipeline
  rubin.butler.butler_defects:
    repo: /data/butler/deep
    instrument: DECam
    sources:
      - name: des
        directory: /data/bpm/des
        pattern: D_n20150105t0115_c(?P<detector>\d+)_r2134p01_bpm\.fits
      - name: cp
        directory: /data/bpm/cp
        pattern: DECam_Master_20140209v2_cd_(?P<detector>\d+)\.fits
    dataset_types:
      - name: defects
        run: DEEP/calib/bad
        pixels:
          - source: des
            except_values: [512]
          - source: cp
      - name: suspectMask
        run: DEEP/calib/suspect
        pixels:
          - source: des
            values: [512]
        metadata:
          DEFECTTYPE: SUSPECTPIXEL

- name: Defects of one set of masks, whose headers tell the detectors, in place of those that are there
  rubin.butler.butler_defects:
    repo: /data/butler/deep
    instrument: DECam
    sources:
      - name: des
        directory: /data/bpm/des
        pattern: .*_bpm\.fits
    dataset_types:
      - name: defects
        run: DEEP/calib/bad
        pixels:
          - source: des
            bits: [1, 2, 4, 8]
        metadata:
          CALIBDATE: "2014-12-05T00:00:00"
    on_conflict: replace
"""

RETURN = r"""
stats:
  description:
    - How many dataset types, runs and datasets were there, and how many were added.
    - Datasets that were stored in place of others count as replaced, and so do files without a dataset that they
      replaced; detectors without a mask count as skipped.
  returned: success
  type: dict
  sample: {present: 4, added: 124, replaced: 0, removed: 0, skipped: 0, failed: 0}
changes:
  description:
    - The changes, or in check mode the planned ones; at most 1000.
    - New datasets of a type are one change, with the first detectors. A dataset that is replaced is one of its own.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: add, kind: datasets, name: defects in DEEP/calib/bad, before: null, after: {datasets: 62, rectangles: 24180, pixels: 3517442},
       count: 62, examples: ["detector 1: 392 rectangles, 56233 pixels"]}
    - {action: replace, kind: dataset, name: detector 7 of suspectMask in DEEP/calib/suspect, before: {rectangles: 12, pixels: 40},
       after: {rectangles: 13, pixels: 44}, count: 1}
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
  sample: 6.2
"""

from ansible_collections.rubin.butler.plugins.module_utils._module.options import (
    ON_CONFLICT,
    ON_MISSING,
    PROGRESS,
)
from ansible_collections.rubin.butler.plugins.module_utils._module.run import NEEDS, run_state
from ansible_collections.rubin.butler.plugins.module_utils._states.defects.state import DefectsState


def main() -> None:
    """Run the module."""
    pixels = {
        "source": {"type": "str", "required": True},
        "values": {"type": "list", "elements": "int"},
        "except_values": {"type": "list", "elements": "int"},
        "bits": {"type": "list", "elements": "int"},
    }
    run_state(
        {
            "instrument": {"type": "str", "required": True},
            "sources": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "directory": {"type": "str", "required": True},
                    "pattern": {"type": "str", "required": True},
                },
            },
            "dataset_types": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "run": {"type": "str", "required": True},
                    "pixels": {"type": "list", "elements": "dict", "required": True, "options": pixels},
                    "metadata": {"type": "dict"},
                },
            },
            "detectors": {"type": "list", "elements": "int"},
            "detector_keyword": {"type": "str", "default": "CCDNUM", "no_log": False},
            **ON_CONFLICT,
            **ON_MISSING,
            **PROGRESS,
        },
        DefectsState.from_params,
        needs=(*NEEDS, "astropy", "numpy"),
    )


if __name__ == "__main__":
    main()
