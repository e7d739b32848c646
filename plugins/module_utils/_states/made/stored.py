# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Artifacts that are read to be compared, told from those that can't be read now.

What is taken for another content may be replaced, so an outage must never be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._butler.outages import explain_outage
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository, first_line
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._storage.absence import gone_among

if TYPE_CHECKING:
    from lsst.resources import ResourcePath


def read_stored(repository: Repository, uri: ResourcePath) -> bytes | None:
    """Read an artifact.

    Parameters
    ----------
    repository : `Repository`
        The repository that has it.
    uri : `lsst.resources.ResourcePath`
        Where its datastore says that it is.

    Returns
    -------
    content : `bytes` or `None`
        What is in it; `None` if it is certainly gone.

    Raises
    ------
    ButlerError
        Raised if its storage does not give it, and if it may be gone only because nothing is mounted.
    """
    try:
        return uri.read()
    except FileNotFoundError as error:
        roots = [root for root in repository.butler.get_datastore_roots().values() if root is not None]
        if gone_among([uri], roots):
            return None
        failure: Exception = error
    except Exception as error:
        # Each kind of storage fails in its own ways.
        failure = error
    outage = explain_outage(failure, repository.config, [uri.geturl()])
    raise unreadable(uri, failure, outage) from failure


def unreadable(uri: ResourcePath, error: Exception, outage: str | None) -> ButlerError:
    """Explain why an artifact can't be compared.

    Parameters
    ----------
    uri : `lsst.resources.ResourcePath`
        Where it is.
    error : `Exception`
        Why it can't be read.
    outage : `str` or `None`
        What `explain_outage` says of that.

    Returns
    -------
    explained : `ButlerError`
        What to check.
    """
    return ButlerError(
        f"{uri.ospath if uri.isLocal else uri.geturl()} can't be read, so that nobody can tell whether it "
        f"differs: {first_line(error)}",
        option="repo",
        hint=f"{outage or ''}Nothing was written. Check servers, credentials and mounts, and run the task "
        "again.",
    )
