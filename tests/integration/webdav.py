# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real WebDAV server of the tests' own: Apache httpd from the system's packages, with TLS and passwords."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from lsst.resources.dav import dav_globals

from tests.integration.certificates import Authority
from tests.integration.ports import free_port
from tests.waiting import PATIENCE, until

PASSWORD = "p4ss-of-the-webdav-tests"  # a server on the loopback that ends with the tests
SERVICE = "service"
READER = "reader"
MODULES = Path("/usr/lib/apache2/modules")
WANTED = [
    "mpm_event",
    "authn_core",
    "authn_file",
    "auth_basic",
    "authz_core",
    "authz_user",
    "alias",
    "dir",
    "env",
    "rewrite",
    "ssl",
    "dav",
    "dav_fs",
]
CERTIFICATES = ("good", "expired", "unknown", "other")
"""What the server can show: one that is in order, one that has expired, one of an authority that nobody
knows, and one for another host."""

_CONFIG = """\
ServerRoot "{folder}"
DefaultRuntimeDir "{folder}/run"
PidFile "{folder}/run/pid"
ServerName localhost
Listen {host}:{port}
{modules}
{user}
ErrorLog "{folder}/error.log"
LogLevel warn
LogFormat "%m %U %>s %u" short
DocumentRoot "{folder}/served"
Timeout 60
KeepAlive On
DavLockDB "{folder}/run/locks"
SSLEngine on
SSLCertificateFile "{folder}/server.pem"
SSLSessionCache none
RewriteEngine On
RewriteMap accounts "txt:{folder}/tokens"
RewriteCond "%{{HTTP:Authorization}}" "^Bearer (.+)$"
RewriteRule ".*" "-" [E=account:${{accounts:%1|nobody}}]
RewriteCond "%{{REQUEST_METHOD}}" "^(GET|COPY)$"
RewriteCond "{folder}/offline%{{REQUEST_URI}}" -f
RewriteRule ".*" "-" [R=503,L]
CustomLog "{folder}/access.log" short
<Directory "/">
    AllowOverride None
    Require all denied
</Directory>
<Directory "{folder}/served">
    Dav On
    AuthType Basic
    AuthName "tests"
    AuthUserFile "{folder}/passwords"
    <Limit GET OPTIONS PROPFIND COPY>
        Require user {service} {reader}
        Require expr "%{{reqenv:account}} in {{ '{service}', '{reader}' }}"
    </Limit>
    <LimitExcept GET OPTIONS PROPFIND COPY>
        Require all denied
    </LimitExcept>
</Directory>
<Directory "{folder}/served/butler">
    <Limit GET OPTIONS PROPFIND>
        Require user {service} {reader}
        Require expr "%{{reqenv:account}} in {{ '{service}', '{reader}' }}"
    </Limit>
    <LimitExcept GET OPTIONS PROPFIND>
        Require user {service}
        Require expr "%{{reqenv:account}} == '{service}'"
    </LimitExcept>
</Directory>
"""


@dataclass
class WebDav:
    """A running server.

    It has two areas. To ``/data``, which belongs to root, nobody writes by WebDAV; to ``/butler`` `SERVICE`
    alone does. `SERVICE` and `READER` read both.

    Parameters
    ----------
    folder : `~pathlib.Path`
        Where it has everything.
    port : `int`
        Its port.
    program : `~pathlib.Path`
        Apache httpd.
    before : `~collections.abc.Callable`, optional
        Called in the server's process before it becomes Apache.
    """

    folder: Path
    port: int
    program: Path
    before: Callable[[], None] | None = None
    host: str = "localhost"
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, without a slash at the end (`str`)."""
        return f"davs://{self.host}:{self.port}"

    @property
    def data(self) -> Path:
        """The folder of what is read only; tests write to it as files (`~pathlib.Path`)."""
        return self.folder / "served" / "data"

    @property
    def butler(self) -> Path:
        """The folder of what may be written (`~pathlib.Path`)."""
        return self.folder / "served" / "butler"

    @property
    def ca(self) -> Path:
        """The certificate of the authority that signed the server's (`~pathlib.Path`)."""
        return self.folder / "ca.crt"

    @property
    def unknown_ca(self) -> Path:
        """The certificate of another authority (`~pathlib.Path`)."""
        return self.folder / "unknown.crt"

    @property
    def requests(self) -> list[str]:
        """What was asked for: method, path, status and user, in order (`list` [ `str` ])."""
        return (self.folder / "access.log").read_text().splitlines()

    def uri(self, path: Path | str) -> str:
        """Give the URI of something in its folders; a folder's ends with a slash."""
        path = Path(path)
        inside = path.relative_to(self.folder / "served").as_posix()
        return f"{self.url}/{quote(inside)}" + ("/" if path.is_dir() else "")

    def write_config(self, path: Path, user: str = SERVICE, **settings: Any) -> Path:
        """Write the file that ``LSST_RESOURCES_WEBDAV_CONFIG`` is to name.

        Parameters
        ----------
        path : `~pathlib.Path`
            The file.
        user : `str`, optional
            Who reads it.
        **settings
            More of the entry, or others; `None` takes one out.

        Returns
        -------
        path : `~pathlib.Path`
            The same.
        """
        entry = {
            "base_url": f"{self.url}/",
            "user_name": user,
            "user_password": PASSWORD,
            "trusted_authorities": str(self.ca),
            **settings,
        }
        kept = {name: value for name, value in entry.items() if value is not None}
        path.touch(0o600)
        path.write_text(yaml.safe_dump([kept]))
        return path

    def use(self, patch: pytest.MonkeyPatch, path: Path, user: str = SERVICE, **settings: Any) -> Path:
        """Write the file, and have it read by this process and by those that it starts.

        Parameters
        ----------
        patch : `pytest.MonkeyPatch`
            Sets the variable.
        path, user, **settings
            As for `write_config`.

        Returns
        -------
        path : `~pathlib.Path`
            The file.
        """
        patch.setenv("LSST_RESOURCES_WEBDAV_CONFIG", str(self.write_config(path, user, **settings)))
        forget_clients()
        return path

    def allow(self, **tokens: str) -> None:
        """Say which bearer tokens are taken, and whose they are; at once, and instead of those before."""
        path = self.folder / "tokens"
        before = path.stat().st_mtime
        path.write_text("".join(f"{token} {user}\n" for user, token in tokens.items()))
        # Apache reads it again when its time of change, in seconds, is another one.
        os.utime(path, (before + 2, before + 2))

    def take_offline(self, path: Path) -> Path:
        """Answer 503 where the content of a file is asked for, until what is returned is removed."""
        mark = self.folder / "offline" / path.relative_to(self.folder / "served")
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
        return mark

    def show(self, certificate: str) -> None:
        """Show another of the `CERTIFICATES` from now on."""
        shutil.copy(self.folder / f"{certificate}.pem", self.folder / "server.pem")
        if self._process is not None:
            self.stop()
            self.start()

    def make_writable(self) -> None:
        """Give to the server what tests have put below ``butler``."""
        if os.geteuid() == 0:
            for path in [self.butler, *self.butler.rglob("*")]:
                shutil.chown(path, "www-data", "www-data")

    def stop(self) -> None:
        """End it at once: connections break off."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "startup.log").open("wb") as log:
            self._process = subprocess.Popen(
                [self.program, "-D", "FOREGROUND", "-f", self.folder / "httpd.conf"],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                preexec_fn=self.before,
            )
        until(self._answers)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                return True
        logs = "".join(path.read_text()[-2000:] for path in self.folder.glob("*.log"))
        assert self._process is not None and self._process.poll() is None, f"it did not start: {logs}"
        return False


def forget_clients() -> None:
    """Have `lsst.resources` read its configuration again, as a new process does."""
    dav_globals._reset()


def program() -> Path:
    """Find Apache httpd with its modules.

    Returns
    -------
    path : `~pathlib.Path`
        The program. Where there is none, tests are skipped with the package to install, as `make test` is to
        pass with Python alone; in CI they fail.
    """
    found = shutil.which("apache2", path="/usr/sbin:/usr/bin") or shutil.which("apache2")
    if found is None or not MODULES.is_dir():
        said = (
            "there is no Apache httpd here, and these tests need a WebDAV server of their own: "
            "apt-get install -y --no-install-recommends apache2"
        )
        if os.environ.get("CI"):
            pytest.fail(said, pytrace=False)
        pytest.skip(said)
    return Path(found)


@contextmanager
def running_webdav() -> Iterator[WebDav]:
    """Start a server on the loopback, in a temporary folder, and stop it at the end.

    Yields
    ------
    server : `WebDav`
        Its workers are ``www-data`` where the tests run as root.
    """
    apache = program()
    folder = Path(tempfile.mkdtemp(prefix="rubin-butler-webdav-"))
    server = WebDav(folder, free_port(), apache)
    try:
        folder.chmod(0o755)
        for path in (folder / "run", server.data, server.butler):
            path.mkdir(parents=True)
            path.chmod(0o755)
        if os.geteuid() == 0:
            for path in (folder / "run", server.butler):
                shutil.chown(path, "www-data", "www-data")
        _write_certificates(server)
        _write_accounts(server)
        modules = [f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in WANTED]
        config = _CONFIG.format(
            folder=folder,
            host="127.0.0.1",
            port=server.port,
            modules="\n".join(modules),
            user="User www-data\nGroup www-data" if os.geteuid() == 0 else "",
            service=SERVICE,
            reader=READER,
        )
        (folder / "httpd.conf").write_text(config)
        server.show("good")
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def _write_certificates(server: WebDav) -> None:
    names = ["localhost", "127.0.0.1"]
    authority, unknown = Authority("CA of the tests"), Authority("unknown CA of the tests")
    server.ca.write_bytes(authority.certificate)
    server.unknown_ca.write_bytes(unknown.certificate)
    certificates = {
        "good": authority.sign(names),
        "expired": authority.sign(names, begins=-10, ends=-1),
        "unknown": unknown.sign(names),
        "other": authority.sign(["other.example.org"]),
    }
    for name in CERTIFICATES:
        path = server.folder / f"{name}.pem"
        path.touch(0o600)
        path.write_bytes(certificates[name])


def _write_accounts(server: WebDav) -> None:
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).digest()).decode()
    lines = [f"{name}:{{SHA}}{digest}\n" for name in (SERVICE, READER)]
    (server.folder / "passwords").write_text("".join(lines))
    (server.folder / "tokens").write_text("")
