# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that lists everything that failed, however much it is."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError


@contextmanager
def failures_file(path: str | None) -> Iterator[Callable[[str, str], None]]:
    """Write what fails to a file, if one is given for it.

    Parameters
    ----------
    path : `str` or `None`
        File on the managed host; written anew, readable by its owner only.

    Yields
    ------
    failed : `~collections.abc.Callable`
        Takes the name of what failed, and the reason: one JSON object on a line.

    Raises
    ------
    ButlerError
        Raised if the file can't be written, before anything else is.
    """
    if path is None:
        yield lambda _name, _reason: None
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise ButlerError(f"{path} can't be written: {error.strerror}", option="report_file") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:

        def failed(name: str, reason: str) -> None:
            stream.write(json.dumps({"name": name, "reason": reason}) + "\n")
            # A run that is killed leaves the lines that it had.
            stream.flush()

        yield failed
