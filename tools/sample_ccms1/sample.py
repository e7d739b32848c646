# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole sample: all files by path, and what a directory lacks of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .calibrations import calibration_exports
from .exports import Export, export_files
from .exposures import good_exposures
from .manifest import PATH as MANIFEST
from .manifest import manifest_content
from .models import fgcm_export, model_export
from .raws import raw_files
from .refcats import refcat_files
from .solar_system import solar_system_export

GOOD_VISITS = "dp1_good_visits.txt"


@dataclass(frozen=True)
class Outcome:
    """What writing the sample did.

    Parameters
    ----------
    written : `int`
        Files that were missing.
    replaced : `int`
        Files that were there with another content.
    unchanged : `int`
        Files that were there as they should.
    size : `int`
        Bytes of all of them.
    """

    written: int
    replaced: int
    unchanged: int
    size: int

    @property
    def changed(self) -> int:
        """Files that were touched."""
        return self.written + self.replaced


def all_exports() -> tuple[Export, ...]:
    """Return every export file, in the order in which the technote imports them."""
    return (*calibration_exports(), model_export(), fgcm_export(), solar_system_export())


def sample_files() -> dict[str, bytes]:
    """Return all files of the sample.

    Returns
    -------
    files : `dict` [ `str`, `bytes` ]
        Content by path below ``$DATA``; the manifest is the last.
    """
    exports = all_exports()
    files = dict(_files(exports))
    files[MANIFEST] = manifest_content(exports, files)
    return files


def _files(exports: tuple[Export, ...]) -> Iterator[tuple[str, bytes]]:
    yield from raw_files()
    yield from refcat_files()
    yield from export_files(exports)
    yield GOOD_VISITS, "".join(f"{each.id}\n" for each in good_exposures()).encode()


def write_sample(root: Path, files: Mapping[str, bytes]) -> Outcome:
    """Write what a directory lacks.

    Parameters
    ----------
    root : `~pathlib.Path`
        The directory; it is made if it isn't there.
    files : `~collections.abc.Mapping` [ `str`, `bytes` ]
        Content by relative path.

    Returns
    -------
    outcome : `Outcome`
        What was done. A file is there whole or not at all, whenever the process is stopped; files that the
        sample does not know are left alone.
    """
    written = replaced = 0
    partial = root / ".partial"
    for name, content in files.items():
        path = root / name
        exists = path.is_file()
        if exists and path.stat().st_size == len(content) and path.read_bytes() == content:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(path)
        if exists:
            replaced += 1
        else:
            written += 1
    partial.unlink(missing_ok=True)
    unchanged = len(files) - written - replaced
    return Outcome(written, replaced, unchanged, sum(map(len, files.values())))
