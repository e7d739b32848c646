# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log file of a task: its plan, and what daf_butler says while it runs."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError

LOGGERS = ("lsst", "astro_metadata_translator")


@contextmanager
def task_log(path: str | None, repo: str) -> Iterator[Callable[[str], None]]:
    """Write a task's log, if a file is given for it.

    Parameters
    ----------
    path : `str` or `None`
        File on the managed host, readable by its owner only; appended to.
    repo : `str`
        The repository, which the first line names.

    Yields
    ------
    log : `~collections.abc.Callable`
        Takes a line.

    Raises
    ------
    ButlerError
        Raised if the file can't be written, before anything else is.
    """
    if path is None:
        yield lambda _line: None
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise ButlerError(f"{path} can't be written: {error.strerror}", option="log_file") from None
    with os.fdopen(descriptor, "a", encoding="utf-8") as stream:
        handler = logging.StreamHandler(stream)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        own = logging.getLogger("rubin.butler")
        loggers = [own, *(logging.getLogger(name) for name in LOGGERS)]
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.addHandler(handler)
            logger.setLevel(logging.INFO)
        try:
            own.info("task on %s", repo)
            yield own.info
        except Exception as error:
            own.error("%s", error)
            raise
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.removeHandler(handler)
                logger.setLevel(level)
