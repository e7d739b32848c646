# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command, and look for secrets wherever others could read them.

``secrets_watch.py --secrets FOLDER --output FILE [--root FOLDER ...] [--log FOLDER ...] [--printed COMMAND
...] -- COMMAND ...``:
each file in the folder of secrets has one. While the command runs, the arguments of all processes are read
again and again. Afterwards these are searched: what the command printed, which goes to the output file;
each file below the roots that everybody may read; those named butler.yaml, and those in the folders of
logs, whatever their mode; and what further commands print, for logs that are kept packed. It ends with 1 and
names the places if there was a secret in one, and with the command's own code if that failed.
"""

from __future__ import annotations

import argparse
import base64
import os
import shlex
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

PAUSE = 0.02
"""How long from one look at the processes to the next, in seconds."""
BLOCK = 1 << 20
PASSING = ("/proc", "/sys", "/dev")
"""Where files are not kept."""


class Secrets:
    """The secrets, in all forms in which they may be written.

    Parameters
    ----------
    folder : `~pathlib.Path`
        Each file in it has one; more may come.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._forms: dict[str, list[bytes]] = {}

    def read(self) -> None:
        """Read the files that have come since the last time."""
        for path in self._folder.iterdir():
            if path.name not in self._forms and (secret := path.read_text().split(" ")[0].strip()):
                self._forms[path.name] = list(_forms(secret))

    @property
    def longest(self) -> int:
        """Bytes of the longest form (`int`)."""
        return max((len(form) for forms in self._forms.values() for form in forms), default=0)

    def found_in(self, text: bytes) -> set[str]:
        """Name the secrets that a text has."""
        return {name for name, forms in self._forms.items() if any(form in text for form in forms)}

    def __len__(self) -> int:
        return len(self._forms)


def _forms(secret: str) -> Iterator[bytes]:
    yield secret.encode()
    yield quote(secret, safe="").encode()
    # Basic authentication has it after a user and a colon: groups of three bytes that are the secret's alone.
    for skipped in range(3):
        inner = secret.encode()[skipped:]
        yield base64.b64encode(inner[: len(inner) // 3 * 3])


class ProcessWatch(threading.Thread):
    """Looks at the arguments of all processes of this host, those in containers too.

    Parameters
    ----------
    secrets : `Secrets`
        What to look for.
    """

    def __init__(self, secrets: Secrets) -> None:
        super().__init__(daemon=True)
        self._secrets = secrets
        self._ended = threading.Event()
        self.found: set[str] = set()
        self.looks = 0

    def run(self) -> None:
        """Look until `end` is called."""
        while not self._ended.wait(PAUSE):
            with suppress(FileNotFoundError):
                self._secrets.read()
            for entry in os.scandir("/proc"):
                if entry.name.isdecimal():
                    self._look(entry.name)
            self.looks += 1

    def _look(self, process: str) -> None:
        try:
            arguments = Path("/proc", process, "cmdline").read_bytes()
        except OSError:
            return
        for name in self._secrets.found_in(arguments):
            program = arguments.split(b"\0")[0].decode(errors="replace")
            self.found.add(f"{name}: in the arguments of a process of {program}")

    def end(self) -> None:
        """Look no more."""
        self._ended.set()
        self.join()


def search_file(path: Path, secrets: Secrets) -> set[str]:
    """Name the secrets that a file has.

    Parameters
    ----------
    path : `~pathlib.Path`
        The file; one that can't be read, or is gone, has none.
    secrets : `Secrets`
        What to look for.

    Returns
    -------
    names : `set` [ `str` ]
        Of the secrets.
    """
    found: set[str] = set()
    with suppress(OSError), path.open("rb") as file:
        kept = b""
        while block := file.read(BLOCK):
            text = kept + block
            found |= secrets.found_in(text)
            kept = text[-secrets.longest :]
    return found


def open_files(root: Path, since: float) -> Iterator[Path]:
    """Give the files below a folder that everybody may read, and all that are named butler.yaml.

    Parameters
    ----------
    root : `~pathlib.Path`
        The folder.
    since : `float`
        Those that nobody has touched since then are left out, in seconds of the epoch.

    Yields
    ------
    path : `~pathlib.Path`
        A regular file.
    """
    folders = [(root, True)]
    while folders:
        folder, is_open = folders.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            path = Path(entry.path)
            if stat.S_ISDIR(status.st_mode):
                if f"/{path.relative_to(root)}" not in PASSING:
                    folders.append((path, is_open and bool(status.st_mode & stat.S_IXOTH)))
                continue
            is_readable = is_open and status.st_mode & stat.S_IROTH
            is_new = max(status.st_mtime, status.st_ctime) >= since
            if stat.S_ISREG(status.st_mode) and is_new and (is_readable or entry.name == "butler.yaml"):
                yield path


def main() -> int:
    """Run, look and tell.

    Returns
    -------
    code : `int`
        What the process ends with.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--secrets", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--root", type=Path, action="append", default=[])
    parser.add_argument("--log", type=Path, action="append", default=[])
    parser.add_argument("--printed", action="append", default=[])
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    given.secrets.mkdir(mode=0o700, exist_ok=True)
    since = time.time()
    secrets = Secrets(given.secrets)
    watch = ProcessWatch(secrets)
    watch.start()
    given.output.touch(0o600)
    with given.output.open("wb") as output:
        done = subprocess.run(given.command, stdout=output, stderr=subprocess.STDOUT, check=False)
    watch.end()
    secrets.read()
    found = set(watch.found)
    found |= {f"{name}: in the output" for name in search_file(given.output, secrets)}
    files = 0
    for path in (path for root in given.root for path in open_files(root, since)):
        files += 1
        found |= {f"{name}: in {path}" for name in search_file(path, secrets)}
    for path in (path for folder in given.log for path in folder.rglob("*") if path.is_file()):
        files += 1
        found |= {f"{name}: in the log {path}" for name in search_file(path, secrets)}
    silent = []
    for command in given.printed:
        said = subprocess.run(shlex.split(command), stdout=subprocess.PIPE, check=False)
        if said.returncode or not said.stdout.strip():
            silent.append(command)
        found |= {f"{name}: in what {command} prints" for name in secrets.found_in(said.stdout)}
    print(
        f"looked for {len(secrets)} secrets {watch.looks} times in the arguments of all processes, in "
        f"{given.output.stat().st_size:,} bytes of output, in {files:,} files and in what "
        f"{len(given.printed)} commands print"
    )
    if done.returncode:
        sys.stdout.buffer.write(b"".join(given.output.read_bytes().splitlines(keepends=True)[-60:]))
        print(f"the command ended with {done.returncode}", file=sys.stderr)
        return done.returncode
    for line in sorted(found):
        print(line, file=sys.stderr)
    for command in silent:
        print(f"{command} printed nothing to look at, or failed", file=sys.stderr)
    if not secrets or not watch.looks:
        print("there was nothing to look for, or no time to look", file=sys.stderr)
        return 1
    return 1 if found or silent else 0


if __name__ == "__main__":
    sys.exit(main())
