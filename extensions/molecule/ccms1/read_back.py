# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the repository on its two servers as an astronomer elsewhere does, and try to write there.

The standard input names the repository and the servers' addresses, for this machine's DNS has no containers;
the environment has the credentials. The standard output tells what was read, and how the servers refused.
"""

import hashlib
import json
import socket
import sys
from typing import Any

asked = json.load(sys.stdin)
resolve = socket.getaddrinfo


def resolve_known(host: Any, *rest: Any, **options: Any) -> Any:
    """Answer for the containers, and ask DNS for the others."""
    return resolve(asked["addresses"].get(host, host), *rest, **options)


socket.getaddrinfo = resolve_known

from lsst.daf.butler import Butler, DataCoordinate  # noqa: E402
from lsst.resources import ResourcePath  # noqa: E402

told: dict[str, Any] = {}
with Butler.from_config(asked["repo"]) as butler:
    told["collections"] = sorted(butler.collections.query(asked["collection"], flatten_chains=True))

    # The campaign's own datasets have formatters of the Science Pipelines, or are tables that take pandas.
    told["note"] = butler.get("scenario_note", instrument="LSSTComCam", collections="u/ccms1/note")

    (raw,) = butler.query_datasets("raw", "LSSTComCam/raw/all", where=asked["raw"])
    file = butler.getURI(raw)
    told["raw"] = {"sha256": hashlib.sha256(file.read()).hexdigest(), "place": str(file)}

    # Of all that ccms1 declares, this alone is written into the repository's own root.
    (sky_map,) = butler.query_datasets("skyMap", "skymaps")
    file = butler.getURI(sky_map)
    told["sky_map"] = {"bytes": len(file.read()), "place": str(file)}

    # Data IDs that come from outside go into a temporary table: a reader has to be allowed to make one.
    exposures = butler.query_dimension_records("exposure", instrument="LSSTComCam")
    universe = butler.dimensions
    data_ids = [DataCoordinate.standardize(found.dataId, universe=universe) for found in exposures]
    with butler.query() as query:
        uploaded = query.join_data_coordinates(data_ids).where(instrument="LSSTComCam")
        told["uploaded"] = {"asked": len(data_ids), "found": len(list(uploaded.data_ids(["exposure"])))}

try:
    with Butler.from_config(asked["repo"], writeable=True) as butler:
        butler.collections.register("u/reader/attempt")
    told["registry"] = "wrote"
except Exception as refusal:
    told["registry"] = str(refusal)

try:
    ResourcePath(asked["repo"], forceDirectory=True).join("attempt.txt").write(b"attempt")
    told["datastore"] = "wrote"
except Exception as refusal:
    told["datastore"] = str(refusal)

print(json.dumps(told))
