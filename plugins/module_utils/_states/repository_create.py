# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making a repository so that a failure or a kill at any moment leaves nothing in the way of the next run.

`lsst.daf.butler.Butler.makeRepo` writes ``butler.yaml`` first and makes the tables then, so that whatever
goes wrong leaves a repository that neither opens nor can be created. Here the tables come first, and
``butler.yaml`` is put in its place last and at once. One run at a time does that.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.artifacts import (
    NEW_CONFIG_NAME,
    sqlite_names,
)
from ansible_collections.rubin.butler.plugins.module_utils._butler.locks import sqlite_file, writer_lock
from ansible_collections.rubin.butler.plugins.module_utils._butler.repository import (
    explain_database_errors,
    first_line,
)
from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._convergence.report import Report
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_database import (
    drop,
    lacking_right,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_expected import Expected
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_found import (
    CONFIG_NAME,
    Found,
    named,
)
from ansible_collections.rubin.butler.plugins.module_utils._states.repository_seed import OBSCORE, Seed

if TYPE_CHECKING:
    from lsst.daf.butler import Config
    from lsst.resources import ResourcePath

LOCK = "the repository itself"
"""What the lock among those who make or remove a repository is called."""

GRACE = 1.0
"""How long half a repository must stay as it is before it is completed (seconds): another program, which
knows nothing of our lock, may be creating it."""


def create(
    found: Found,
    seed: Seed,
    expected: Expected,
    again: Callable[[], Found],
    report: Report,
    grace: float = GRACE,
) -> bool:
    """Make or complete a repository.

    Parameters
    ----------
    found : `Found`
        What is there.
    seed : `Seed`
        What was declared.
    expected : `Expected`
        What that becomes.
    again : `~collections.abc.Callable`
        Looks again at what is there.
    report : `Report`
        Hears of waiting, and says where the run may be stopped.
    grace : `float`, optional
        How long half a repository must stay as it is before it is completed (seconds).

    Returns
    -------
    made : `bool`
        False if another run has made it meanwhile.

    Raises
    ------
    ButlerError
        Raised if it can't be made. What this run made is removed again, and nothing else.
    """
    root = found.root
    check_writeable(found)
    _check_rights(found)
    report.checkpoint()
    with _explained(found), _undone_on_failure(found) as made:
        if root.isLocal:
            Path(root.ospath).mkdir(parents=True, exist_ok=True)
        with writer_lock(found.config, root, LOCK, report.notice):
            now = again()
            if found.diagnosis is not None and not now.exists:
                time.sleep(grace)
                now = again()
            if now.exists:
                return False
            if _shape(now) != _shape(found):
                raise ButlerError(
                    f"{named(root)} is being made by another program at this moment",
                    option="repo",
                    hint="Run the task again when that is done. If it is another site that makes a registry "
                    f"in {found.database}, give this one a namespace of its own.",
                )
            made.begin()
            report.checkpoint()
            if not (now.complete and _opens(now)):
                _make_registry(now, seed)
            if now.written is None:
                put_config(root, expected.text)
    return True


def check_writeable(found: Found) -> None:
    """Find out, before anything is written, whether it can be.

    Parameters
    ----------
    found : `Found`
        What is there.

    Raises
    ------
    ButlerError
        Raised for a read-only directory, and for a folder that the database is to be in and that is missing.
    """
    if found.root.isLocal:
        _check_folder(Path(found.root.ospath), "repo")
    file = sqlite_file(found.config, found.root)
    if file is not None and not file.parent.is_relative_to(Path(found.root.ospath)):
        if not file.parent.is_dir():
            raise ButlerError(
                f"the directory {file.parent} for the database does not exist",
                option="seed_config.registry.db",
                hint="Make it with an earlier task. Nothing was written.",
            )
        _check_folder(file.parent, "seed_config.registry.db")


def _check_rights(found: Found) -> None:
    with explain_database_errors(found.config, named(found.root)):
        reason = lacking_right(found.config, found.root)
    if reason is not None:
        raise ButlerError(
            f"permission denied for {found.database}: {reason}",
            option="seed_config.registry",
            hint="Choose a namespace of your own, use the credentials of a login that has the owner's role "
            "(db-auth.yaml), or have the owner grant CREATE and USAGE. Nothing was written.",
        )


def _check_folder(folder: Path, option: str) -> None:
    existing = folder
    while not existing.exists():
        existing = existing.parent
    if not existing.is_dir():
        raise ButlerError(f"{existing} is not a directory", option=option)
    if not os.access(existing, os.W_OK | os.X_OK) or _is_read_only(existing):
        raise ButlerError(
            f"the directory {existing} can't be written to",
            option=option,
            hint="Check its owner and mode, or run the task with become. Nothing was written.",
        )


def _is_read_only(folder: Path) -> bool:
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def _shape(found: Found) -> tuple[Any, ...]:
    content = found.content
    return (
        found.written,
        content is None or not content.tables,
        sorted(content.tables) if content is not None else [],
        sorted(content.attributes) if content is not None else [],
        found.filled,
    )


def _opens(found: Found) -> bool:
    """Tell whether the registry is one that the configuration fits."""
    from lsst.daf.butler import Butler

    try:
        Butler.from_config(found.config, writeable=False).close()
    except Exception:
        # It holds no rows, so that it can be made anew whatever is wrong with it.
        return False
    return True


def _make_registry(found: Found, seed: Seed) -> None:
    from lsst.daf.butler import Butler

    if found.content is not None:
        file = sqlite_file(found.config, found.root)
        if file is None:
            drop(found.config, found.root, found.content.tables)
        else:
            # All but the lock, which this run holds.
            for name in sqlite_names(file)[:-1]:
                name.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="butler-create-") as folder:
        Butler.makeRepo(
            found.root,
            _config(found, seed),
            standalone=seed.standalone,
            forceConfigRoot=found.written is None and not seed.override,
            outfile=f"{folder}/{CONFIG_NAME}",
        )


def _config(found: Found, seed: Seed) -> Config:
    """Give what the registry is made of: the seed, or the ``butler.yaml`` that is there already."""
    from lsst.daf.butler import Config

    content = found.written if found.written is not None else seed.content
    config = Config(json.loads(json.dumps(content)))
    if found.written is not None and seed.obscore is not None and OBSCORE in config:
        config[(*OBSCORE, "config")] = seed.obscore
    return config


def put_config(root: ResourcePath, text: str) -> None:
    """Put ``butler.yaml`` in its place, whole.

    Parameters
    ----------
    root : `lsst.resources.ResourcePath`
        The repository's root.
    text : `str`
        Its content.
    """
    if not root.isLocal:
        root.mkdir()
        root.join(CONFIG_NAME).write(text.encode())
        return
    folder = Path(root.ospath)
    new = folder / NEW_CONFIG_NAME
    with new.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(folder / CONFIG_NAME)


class _Made:
    """What this run makes, and removes again unless it is to stay.

    Parameters
    ----------
    found : `Found`
        What was there before.
    """

    def __init__(self, found: Found) -> None:
        self._root = Path(found.root.ospath) if found.root.isLocal else None
        self._folders: list[Path] = []
        if self._root is not None:
            self._folders = [folder for folder in (self._root, *self._root.parents) if not folder.exists()]
        file = sqlite_file(found.config, found.root)
        self._database = sqlite_names(file) if file is not None else []
        self._lock_is_new = bool(self._database) and not self._database[-1].exists()
        self._files: list[Path] = []
        self.stays = False

    def begin(self) -> None:
        """Note what is not there yet; from here on, under the lock, it is this run that makes it."""
        self._files = [name for name in self._database[:-1] if not name.exists()]
        if self._root is not None:
            self._files.append(self._root / NEW_CONFIG_NAME)

    def undo(self) -> None:
        """Remove it, and nothing that somebody else has made."""
        for name in self._files:
            name.unlink(missing_ok=True)
        if self._lock_is_new and not self._database[0].exists():
            self._database[-1].unlink(missing_ok=True)
        for folder in self._folders:
            # Not if somebody else has put something there.
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def _undone_on_failure(found: Found) -> Iterator[_Made]:
    from lsst.daf.butler.registry.interfaces import SchemaAlreadyDefinedError

    made = _Made(found)
    try:
        yield made
        made.stays = True
    except SchemaAlreadyDefinedError:
        # Another program, which knows nothing of the lock, has made the tables.
        made.stays = True
        raise
    finally:
        if not made.stays:
            made.undo()


@contextmanager
def _explained(found: Found) -> Iterator[None]:
    from lsst.daf.butler.registry.interfaces import SchemaAlreadyDefinedError
    from sqlalchemy.exc import IntegrityError

    name = named(found.root)
    try:
        with explain_database_errors(found.config, name):
            yield
    except ButlerError as error:
        if isinstance(error.__context__, IntegrityError):
            raise _taken(found) from None
        raise
    except SchemaAlreadyDefinedError:
        raise _taken(found) from None
    except OSError as error:
        raise ButlerError(
            f"{name} can't be made: {error.strerror or first_line(error)}", option="repo"
        ) from None


def _taken(found: Found) -> ButlerError:
    return ButlerError(
        f"another program made tables in {found.database} at the same moment",
        option="repo",
        hint="Run the task again: it sees what is there then.",
    )
