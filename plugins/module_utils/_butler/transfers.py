# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transfer modes: what a datastore can do, and where artifacts would go."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import Repository, first_line
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef
    from lsst.resources import ResourcePath

TRANSFERS = ("auto", "copy", "direct", "hardlink", "link", "move", "relsymlink", "split", "symlink")
"""The transfer modes of ``Butler.ingest``."""

IN_PLACE = ("direct", "split")
"""The modes that leave files where they are and write no artifacts."""

LINKS = ("hardlink", "link", "relsymlink", "symlink")
_STAYS = "ingested, but its source can't be removed:"


def check_transfer(option: str, transfer: str, root: ResourcePath | None, source: str | None = None) -> None:
    """Refuse a transfer mode that can't work, before anything is written.

    Parameters
    ----------
    option, transfer : `str`
        The option and the mode.
    root : `lsst.resources.ResourcePath` or `None`
        Where the datastore writes artifacts; `None` where unknown.
    source : `str`, optional
        Path or URI of a file to transfer.

    Raises
    ------
    ButlerError
        Raised with the modes that this datastore has.
    """
    if root is not None and transfer not in (*IN_PLACE, *root.transferModes):
        modes = sorted({*IN_PLACE, *root.transferModes})
        raise ButlerError(
            f"the datastore at {root} can't do transfer mode {transfer!r}, it can do {', '.join(modes)}",
            option=option,
        )
    if source is not None:
        check_links(option, transfer, source)


def check_links(option: str, transfer: str, source: str) -> None:
    """Refuse to link what is not local, whatever the datastore; nothing is looked at.

    Parameters
    ----------
    option, transfer : `str`
        The option and the mode.
    source : `str`
        Path or URI of a file to transfer, or of a directory.

    Raises
    ------
    ButlerError
        Raised for a mode that needs local files.
    """
    scheme = source.partition("://")[0] if "://" in source else "file"
    if transfer in LINKS and scheme != "file":
        raise ButlerError(
            f"transfer mode {transfer!r} needs local files, and {source} is not one; use direct or copy",
            option=option,
        )


def physical_transfer(transfer: str, source: str, root: ResourcePath | None) -> str:
    """Give the mode in which files really are transferred.

    Parameters
    ----------
    transfer : `str`
        The declared mode.
    source : `str`
        A file of the batch.
    root : `lsst.resources.ResourcePath` or `None`
        Where the datastore writes artifacts.

    Returns
    -------
    mode : `str`
        The declared one, but for ``move``: ``hardlink`` on one file system, else ``copy``; the source goes
        after the commit.
    """
    if transfer != "move":
        return transfer
    from lsst.resources import ResourcePath

    uri = ResourcePath(source, forceAbsolute=True)
    if root is None or not root.isLocal or not uri.isLocal:
        return "copy"
    same = Path(uri.ospath).stat().st_dev == Path(root.ospath).stat().st_dev
    return "hardlink" if same else "copy"


def remove_sources(sources: Iterable[str], report: Report) -> None:
    """Remove the sources of moved files once their datasets are committed.

    Parameters
    ----------
    sources : `~collections.abc.Iterable` [ `str` ]
        Paths or URIs.
    report : `Report`
        Told of what can't be removed: that is no failure, because the repository has it. The first such file
        is for the operator to read, the others are in the log.
    """
    from lsst.resources import ResourcePath

    for source in sources:
        try:
            uri = ResourcePath(source, forceAbsolute=True)
            if uri.exists():
                uri.remove()
        except Exception as error:
            # Each kind of storage fails in its own ways.
            line = f"{_STAYS} {source}: {first_line(error)}"
            tell = report.log if any(said.startswith(_STAYS) for said in report.notices) else report.notice
            tell(line)


def target_of(repository: Repository, ref: DatasetRef, source: str) -> ResourcePath | None:
    """Predict where a copying transfer puts an artifact.

    Parameters
    ----------
    repository : `Repository`
        Where to.
    ref : `lsst.daf.butler.DatasetRef`
        The dataset, its data ID expanded with records.
    source : `str`
        Path or URI of the file, whose extension the artifact takes.

    Returns
    -------
    target : `lsst.resources.ResourcePath` or `None`
        The artifact's URI; `None` where there is no single rule for it.
    """
    from lsst.resources import ResourcePath

    templates, root = repository.templates, repository.datastore_root
    if templates is None or root is None:
        return None
    name = templates.getTemplate(ref).format(ref)
    return root.join(name, forceDirectory=False).updatedExtension(
        ResourcePath(source, forceAbsolute=False).getExtension()
    )
