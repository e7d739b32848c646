# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the artifacts of an export are at this site."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError

PATTERN_MARK = "^"


@dataclass(frozen=True)
class PathMap:
    """Rewrites the paths of an export that was made at another site.

    Parameters
    ----------
    prefixes : `tuple` [ `tuple` [ `str`, `str` ], ... ]
        Leading parts of paths and what replaces them, the longest first.
    patterns : `tuple` [ `tuple` [ `re.Pattern`, `str` ], ... ]
        Regular expressions and what replaces their match, in the order given.
    """

    prefixes: tuple[tuple[str, str], ...] = ()
    patterns: tuple[tuple[re.Pattern[str], str], ...] = ()

    @classmethod
    def from_option(cls, option: str, value: Mapping[str, object] | None) -> PathMap:
        """Check the option.

        Parameters
        ----------
        option : `str`
            Its name, for messages.
        value : `~collections.abc.Mapping` or `None`
            Prefixes or regular expressions, which begin with ``^``, and replacements.

        Returns
        -------
        paths : `PathMap`
            The map.

        Raises
        ------
        ButlerError
            Raised for an invalid regular expression or replacement.
        """
        prefixes, patterns = [], []
        for key, replacement in (value or {}).items():
            if not key or not isinstance(replacement, str):
                raise ButlerError(
                    f"{key!r}: {replacement!r} is not a prefix or regular expression and what replaces it",
                    option=option,
                )
            if not key.startswith(PATTERN_MARK):
                prefixes.append((key, replacement))
                continue
            try:
                pattern = re.compile(key)
                # A replacement that names a group which does not exist must not wait for its first match.
                re.sub(f"{key}|", replacement, "")
            except (re.error, IndexError) as error:
                raise ButlerError(f"{key!r}: {replacement!r} can't be used: {error}", option=option) from None
            patterns.append((pattern, replacement))
        prefixes.sort(key=lambda pair: (-len(pair[0]), pair[0]))
        return cls(tuple(prefixes), tuple(patterns))

    def apply(self, path: str) -> str:
        """Rewrite a path.

        Parameters
        ----------
        path : `str`
            As the export has it.

        Returns
        -------
        path : `str`
            Rewritten by the longest prefix that fits, which ends where a folder's name does, else by the
            first regular expression that fits, else unchanged.
        """
        for prefix, replacement in self.prefixes:
            rest = path.removeprefix(prefix)
            if (rest != path or not prefix) and (not rest or prefix.endswith("/") or rest.startswith("/")):
                return replacement + rest
        for pattern, replacement in self.patterns:
            changed, count = pattern.subn(replacement, path, count=1)
            if count:
                return changed
        return path


def locate(path: str, directory: str) -> str:
    """Find an artifact.

    Parameters
    ----------
    path : `str`
        Rewritten path of an export: absolute, a URI, or relative to the directory.
    directory : `str`
        Absolute path or URI.

    Returns
    -------
    artifact : `str`
        Absolute path or URI.
    """
    if path.startswith("/") or is_uri(path):
        return path
    if not is_uri(directory):
        return os.path.normpath(f"{directory}/{path}")
    from lsst.resources import ResourcePath

    return ResourcePath(directory, forceDirectory=True).join(path, forceDirectory=False).geturl()


def is_uri(path: str) -> bool:
    """Tell whether a path is a URI with a scheme."""
    return "://" in path
