# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be importable on the managed host."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError

PACKAGES = {
    "lsst.daf.butler": "lsst-daf-butler",
    "lsst.resources": "lsst-resources",
    "lsst.pipe.base": "lsst-pipe-base",
    "lsst.sphgeom": "lsst-sphgeom",
    "astro_metadata_translator": "astro-metadata-translator",
    "astropy": "astropy",
    "numpy": "numpy",
    "pyarrow": "pyarrow",
    "yaml": "PyYAML",
}


def require(modules: Iterable[str]) -> None:
    """Import what a task needs, or say precisely what is missing where.

    Parameters
    ----------
    modules : `~collections.abc.Iterable` [ `str` ]
        Dotted names, keys of `PACKAGES`.

    Raises
    ------
    ButlerError
        Raised with the PyPI package of each missing module, the interpreter and the path that were searched.
    """
    missing = []
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError as error:
            missing.append((name, error))
    if missing:
        raise ButlerError(
            f"the Python packages that this task needs can't be imported by {sys.executable}",
            details=[f"{name} (PyPI: {PACKAGES[name]}): {error}" for name, error in missing]
            + [f"searched: {entry}" for entry in sys.path if entry and not entry.endswith(".zip")],
            hint="Install them there ("
            + f"{sys.executable} -m pip install {' '.join(PACKAGES[name] for name, _unused in missing)}"
            + "), or set ansible_python_interpreter to the Python that has them.",
        )
