# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real ssh server of the tests' own, from the system's package, on the loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.ports import free_port
from tests.waiting import PATIENCE, until


@dataclass(frozen=True)
class Server:
    """A running server that lets its own user in.

    Parameters
    ----------
    port : `int`
        Its port.
    key : `pathlib.Path`
        What the user identifies with.
    sockets : `pathlib.Path`
        Folder for the sockets of shared connections; their paths must be short.
    """

    port: int
    key: Path
    sockets: Path

    @property
    def variables(self) -> dict[str, Any]:
        """Variables of an Ansible host that is reached by this server (`dict`)."""
        return {
            "ansible_connection": "ssh",
            "ansible_host": "127.0.0.1",
            "ansible_port": self.port,
            "ansible_user": pwd.getpwuid(os.geteuid()).pw_name,
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_common_args": "-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "
            "-o LogLevel=ERROR",
        }


def programs() -> dict[str, str]:
    """Find the programs of OpenSSH; where there are none, tests are skipped, and fail in CI."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
    found = {name: shutil.which(name, path=path) for name in ("sshd", "ssh", "ssh-keygen")}
    missing = [name for name, place in found.items() if place is None]
    if missing:
        said = (
            f"there is no {', no '.join(missing)} here, and these tests need an ssh server of their own: "
            "apt-get install -y --no-install-recommends openssh-client openssh-server"
        )
        if os.environ.get("CI"):
            pytest.fail(said, pytrace=False)
        pytest.skip(said)
    return {name: place for name, place in found.items() if place is not None}


@contextmanager
def running_server(folder: Path) -> Iterator[Server]:
    """Start a server with keys of its own, and stop it at the end.

    Parameters
    ----------
    folder : `pathlib.Path`
        Where its keys, configuration and log go.

    Yields
    ------
    server : `Server`
        Reached with a key only.
    """
    program = programs()
    for name in ("host", "user"):
        subprocess.run(
            [program["ssh-keygen"], "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True
        )
    port = free_port()
    settings = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "user.pub",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PermitRootLogin": "yes",
        "PasswordAuthentication": "no",
    }
    (folder / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    if os.geteuid() == 0:
        # What its package's service makes where there is a systemd.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    sockets = Path(tempfile.mkdtemp(prefix="ssh-"))
    server = Server(port, folder / "user", sockets)
    command = [program["sshd"], "-D", "-f", str(folder / "sshd_config"), "-E", str(folder / "log")]
    process = subprocess.Popen(command)
    try:
        _wait_for(server, process, folder / "log")
        yield server
    finally:
        process.terminate()
        process.wait(PATIENCE)
        for path in sockets.iterdir():
            with suppress(OSError):
                subprocess.run(
                    [program["ssh"], "-o", f"ControlPath={path}", "-O", "exit", "127.0.0.1"],
                    check=False,
                    capture_output=True,
                )
        shutil.rmtree(sockets, ignore_errors=True)


def _wait_for(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    def listens() -> bool:
        assert process.poll() is None, f"sshd has ended: {log.read_text() if log.exists() else ''}"
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=5).close()
        except OSError:
            return False
        return True

    until(listens)
