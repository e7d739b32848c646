# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of an import, checked before anything is read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import check_no_secret
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._exports.paths import PathMap, is_uri

DEFAULTS = (
    "directory",
    "transfer",
    "path_map",
    "skip_dimensions",
    "exclude_storage_classes",
    "on_missing",
    "import_chains",
)
"""Options of an import that may also be given once for all of them."""


@dataclass(frozen=True)
class Item:
    """One declared import.

    Parameters
    ----------
    option : `str`
        Its name in messages, such as ``imports[0]``.
    file : `str`
        The export: an absolute path or a URI.
    directory : `str`
        What the artifacts' paths are relative to: an absolute path or a URI.
    transfer : `str`
        A transfer mode.
    paths : `PathMap`
        Rewrites the artifacts' paths.
    skip_dimensions : `frozenset` [ `str` ]
        Elements whose records are not imported.
    on_missing : {"fail", "skip"}
        What to do about artifacts that are not there.
    import_chains : `bool`
        Whether chains are imported.
    exclude_storage_classes : `frozenset` [ `str` ]
        Storage classes whose dataset types are left out, with their datasets.
    """

    option: str
    file: str
    directory: str
    transfer: str
    paths: PathMap
    skip_dimensions: frozenset[str] = frozenset()
    on_missing: str = "fail"
    import_chains: bool = True
    exclude_storage_classes: frozenset[str] = frozenset()


def declared_items(params: Mapping[str, Any]) -> tuple[Item, ...]:
    """Make the imports from a module's checked arguments.

    Parameters
    ----------
    params : `~collections.abc.Mapping`
        With ``imports`` and the defaults for all of them, each `None` where not given.

    Returns
    -------
    items : `tuple` [ `Item`, ... ]
        In the order of the task.

    Raises
    ------
    ButlerError
        Raised for a path map that can't be used, a URI with user information, and an export declared twice.
    """
    items: list[Item] = []
    seen: dict[tuple[str, str], str] = {}
    for index, given in enumerate(params["imports"]):
        option = f"imports[{index}]"
        own = {key: given[key] if given.get(key) is not None else params.get(key) for key in DEFAULTS}
        check_no_secret(f"{option}.file", given["file"])
        file = _absolute(given["file"])
        directory = own["directory"] or (file.rpartition("/")[0] if is_uri(file) else str(Path(file).parent))
        check_no_secret(f"{option}.directory", directory)
        map_option = "path_map" if given.get("path_map") is None else f"{option}.path_map"
        item = Item(
            option,
            file,
            _absolute(directory),
            own["transfer"] or "auto",
            PathMap.from_option(map_option, own["path_map"]),
            frozenset(own["skip_dimensions"] or ()),
            own["on_missing"] or "fail",
            own["import_chains"] is not False,
            frozenset(own["exclude_storage_classes"] or ()),
        )
        if (item.file, item.directory) in seen:
            raise ButlerError(
                f"{file} is {seen[item.file, item.directory]} already; declare it once",
                option=f"{option}.file",
            )
        seen[item.file, item.directory] = option
        items.append(item)
    return tuple(items)


def _absolute(path: str) -> str:
    return path if is_uri(path) else os.path.abspath(path)  # noqa: PTH100 (symbolic links stay)
