# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a repository must hold in the end, counted from what a sample was planned to be."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping

from .exports import Export

PATH = "manifest.json"

Counts = dict[str, Counter[str]]
"""Numbers of datasets, by collection and dataset type."""


def count_exported(exports: Iterable[Export]) -> Counts:
    """Count the datasets that exports bring.

    Parameters
    ----------
    exports : `~collections.abc.Iterable` [ `~.exports.Export` ]
        The export files.

    Returns
    -------
    counts : `dict`
        Numbers in RUN and CALIBRATION collections.
    """
    counts: Counts = {}
    for export in exports:
        kinds = {each.id: each.kind.name for each in export.datasets}
        for each in export.datasets:
            counts.setdefault(each.run, Counter())[each.kind.name] += 1
        for collection in export.calibrations:
            held = {i for each in export.certifications if each.collection == collection for i in each.ids}
            counts[collection] = Counter(kinds[i] for i in held)
    return counts


def manifest_content(
    facts: Mapping[str, object], counts: Counts, exports: Iterable[Export], files: Mapping[str, bytes]
) -> bytes:
    """Return the bytes of a manifest.

    Parameters
    ----------
    facts : `~collections.abc.Mapping`
        What the campaign has to say first.
    counts : `dict`
        Numbers of datasets by collection and dataset type.
    exports : `~collections.abc.Iterable` [ `~.exports.Export` ]
        The export files.
    files : `~collections.abc.Mapping` [ `str`, `bytes` ]
        All files but the manifest.

    Returns
    -------
    content : `bytes`
        JSON: the facts, ``datasets``, ``exports`` and ``files``.
    """
    manifest = {
        **facts,
        "datasets": {name: dict(sorted(counts[name].items())) for name in sorted(counts)},
        "exports": {
            export.path: {
                "collections": dict(sorted(export.collections().items())),
                "chains": {name: list(children) for name, children in export.chains.items()},
                "datasets": len(export.datasets),
                "certifications": sum(len(each.ids) for each in export.certifications),
            }
            for export in exports
        },
        "files": {"count": len(files), "bytes": sum(map(len, files.values()))},
    }
    return (json.dumps(manifest, indent=2) + "\n").encode()
