# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole sample: all files by path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tools.sample_dp02.campaign import EXPOSURES, SKYMAP
from tools.samples.exports import export_content
from tools.samples.manifest import PATH as MANIFEST
from tools.samples.manifest import manifest_content

from .exports import BACKUP, TRACTS, Exported, all_exports, backed_up

SKYMAP_CONFIG = f"""\
# A sky map of the name of DC2's, registered in a moment; the real one has 18,938 tracts.
config.name = "{SKYMAP}"
config.skyMap.name = "discrete"
config.skyMap["discrete"].raList = [55.0, 56.5]
config.skyMap["discrete"].decList = [-31.0, -31.0]
config.skyMap["discrete"].radiusList = [0.75, 0.75]
config.skyMap["discrete"].projection = "TAN"
config.skyMap["discrete"].pixelScale = 1.0
"""


def _files(exports: tuple[Exported, ...]) -> Iterator[tuple[str, bytes]]:
    for exported in exports:
        content = export_content(exported.export)
        yield exported.export.path, content
        if exported.export.path.startswith("usdf_export_calib/"):
            # What the workshop's script has left there, and the list of the files: none of it is an export.
            folder = exported.export.path.rpartition("/")[0]
            yield f"{exported.export.path}.mod", content.replace(b"CHAINED", b"TAGGED")
            yield (
                f"{folder}/_files.txt",
                "".join(f"{place}\n" for place, _unused in exported.artifacts).encode(),
            )
    for place, dataset in backed_up(exports)[0].items():
        yield place, dataset.content
    yield f"{BACKUP}/butler.yaml", b"# What the backup has of the configuration of the repository.\n"
    yield f"skymaps/{SKYMAP}.py", SKYMAP_CONFIG.encode()


def _manifest(exports: tuple[Exported, ...], files: dict[str, bytes]) -> bytes:
    there, lost = backed_up(exports)
    counts: dict[str, Counter[str]] = {}
    for each in {dataset.id: dataset for dataset in there.values()}.values():
        counts.setdefault(each.run, Counter())[each.kind.name] += 1
    exported = {dataset.id: dataset.kind.name for each in exports for _unused, dataset in each.artifacts}
    facts = {
        "visits": [each.id for each in EXPOSURES],
        "tracts": TRACTS,
        "exported": dict(sorted(Counter(exported.values()).items())),
        "lost": {place: each.kind.name for place, each in lost.items()},
    }
    return manifest_content(facts, counts, [each.export for each in exports], files)


def sample_files() -> dict[str, bytes]:
    """Return all files of the sample.

    Returns
    -------
    files : `dict` [ `str`, `bytes` ]
        Content by path below ``/repo``; the manifest, which names what the backups have lost, is the last.
    """
    exports = all_exports()
    files = dict(_files(exports))
    files[MANIFEST] = _manifest(exports, files)
    return files


def lost_files() -> dict[str, bytes]:
    """Return what the backups have lost.

    Returns
    -------
    files : `dict` [ `str`, `bytes` ]
        Content by path below ``/repo``.
    """
    return {place: each.content for place, each in backed_up(all_exports())[1].items()}
