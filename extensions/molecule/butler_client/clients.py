# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells which credentials the Butler's own libraries take from the environment."""

import json

from lsst.resources.davutils import BasicAuthorizer, DavConfigPool, TokenAuthorizer
from lsst.utils.db_auth import DbAuth

pool = DavConfigPool("LSST_RESOURCES_WEBDAV_CONFIG")
one = pool.get_config_for_url("davs://datastore.test/butler/ccms1")
other = pool.get_config_for_url("davs://dcache.test:2880/pnfs/raw")
basic: dict[str, str] = {}
BasicAuthorizer(one.user_name, one.user_password).set_authorization(basic)
bearer: dict[str, str] = {}
TokenAuthorizer(other.token).set_authorization(bearer)
found = {
    "registry": DbAuth().getAuth("postgresql", None, "registry.test", 5432, "lsst"),
    "password": basic["Authorization"].removeprefix("Basic "),
    "token": bearer["Authorization"].removeprefix("Bearer "),
    "timeout": one.timeout_read,
    "authorities": one.trusted_authorities,
}
print(json.dumps(found))
