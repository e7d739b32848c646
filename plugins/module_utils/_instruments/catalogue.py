# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in instrument definitions, by name."""

from __future__ import annotations

from ansible_collections.rubin.butler.plugins.module_utils._instruments.decam import DECAM
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import InstrumentDefinition
from ansible_collections.rubin.butler.plugins.module_utils._instruments.lsst_cameras import (
    LSSTCAM,
    LSSTCAM_IMSIM,
    LSSTCOMCAM,
)

BUILT_IN: tuple[InstrumentDefinition, ...] = (LSSTCOMCAM, LSSTCAM_IMSIM, LSSTCAM, DECAM)
"""Every instrument that needs no obs package."""


def find_built_in(name_or_class: str) -> InstrumentDefinition | None:
    """Look an instrument up by its name or by the name of its official class.

    Parameters
    ----------
    name_or_class : `str`
        Such as ``LSSTComCam`` or ``lsst.obs.lsst.LsstComCam``.

    Returns
    -------
    definition : `InstrumentDefinition` or `None`
        The definition, or `None` where there is none.
    """
    for definition in BUILT_IN:
        if name_or_class in (definition.name, definition.class_name):
            return definition
    return None
