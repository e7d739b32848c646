# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in cameras, by name."""

from __future__ import annotations

from ansible_collections.rubin.butler.plugins.module_utils._instruments.cameras.decam import DECAM_GEOMETRY
from ansible_collections.rubin.butler.plugins.module_utils._instruments.cameras.geometry import CameraGeometry
from ansible_collections.rubin.butler.plugins.module_utils._instruments.cameras.lsst import (
    LSSTCAM_GEOMETRY,
    LSSTCAM_IMSIM_GEOMETRY,
    LSSTCOMCAM_GEOMETRY,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.catalogue import find_built_in

BUILT_IN_CAMERAS: tuple[CameraGeometry, ...] = (
    LSSTCOMCAM_GEOMETRY,
    LSSTCAM_IMSIM_GEOMETRY,
    LSSTCAM_GEOMETRY,
    DECAM_GEOMETRY,
)
"""Every camera whose geometry is known without its obs package."""


def camera_geometry(name_or_class: str) -> CameraGeometry | None:
    """Look a camera up by the name of its instrument or of its official class.

    Parameters
    ----------
    name_or_class : `str`
        Such as ``LSSTComCam`` or ``lsst.obs.lsst.LsstComCam``.

    Returns
    -------
    camera : `CameraGeometry` or `None`
        The geometry, or `None` where there is none.
    """
    instrument = find_built_in(name_or_class)
    if instrument is None:
        return None
    return next((camera for camera in BUILT_IN_CAMERAS if camera.name == instrument.name), None)
