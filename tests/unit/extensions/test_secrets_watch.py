# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What looks for secrets in molecule's campaign finds one wherever it is put."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[3] / "extensions/molecule/ccms1/secrets_watch.py"
SECRET = "nOt4you/2Cth8Qz7"  # of this test alone


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Give a folder with secrets, a root and logs; the root may be entered by all."""
    for name in ("secrets", "root/inner", "logs"):
        (tmp_path / name).mkdir(parents=True)
    for folder in (tmp_path / "root", tmp_path / "root/inner"):
        folder.chmod(0o755)
    (tmp_path / "secrets/registry").write_text(f"{SECRET} salt=ab\n")
    return tmp_path


def watch(place: Path, script: str, *options: str) -> tuple[int, str]:
    """Watch a script of Python; the secret is on its standard input's place, a file that only it can read."""
    done = subprocess.run(
        [
            *(sys.executable, str(PROGRAM), "--secrets", str(place / "secrets")),
            *("--output", str(place / "output"), "--root", str(place / "root"), "--log", str(place / "logs")),
            *(*options, "--", sys.executable, "-c", script, str(place)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert SECRET not in done.stderr
    return done.returncode, done.stderr


START = "import sys, time, os, base64, pathlib; place = pathlib.Path(sys.argv[1]); time.sleep(0.2)\n"
START += "secret = (place / 'secrets/registry').read_text().split()[0]\n"


def test_what_keeps_its_secrets_passes(place: Path) -> None:
    script = "path = place / 'root/kept'; path.touch(0o600); path.write_text(secret)\n"
    script += "inner = place / 'root/closed'; inner.mkdir(0o700); (inner / 'open').write_text(secret)\n"
    assert watch(place, START + script) == (0, "")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("print('password', secret)", "registry: in the output"),
        ("print(base64.b64encode(f'user:{secret}'.encode()).decode())", "registry: in the output"),
        ("print(base64.b64encode(f'users:{secret}'.encode()).decode())", "registry: in the output"),
        ("(place / 'root/inner/open').write_text('x' * (1 << 20) + secret)", "root/inner/open"),
        ("p = place / 'root/butler.yaml'; p.touch(0o600); p.write_text(secret)", "root/butler.yaml"),
        ("p = place / 'logs/error.log'; p.touch(0o600); p.write_text(secret)", "in the log"),
    ],
)
def test_a_secret_is_found(place: Path, script: str, said: str) -> None:
    code, errors = watch(place, START + script)
    assert code == 1 and said in errors and errors.startswith("registry: ")


def test_a_secret_in_the_arguments_of_a_process_is_found(place: Path) -> None:
    script = (
        "import subprocess; subprocess.run([sys.executable, '-c', 'import time; time.sleep(0.5)', secret])"
    )
    code, errors = watch(place, START + script)
    assert code == 1 and "registry: in the arguments of a process" in errors


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("print(open({!r}).read())", "registry: in what "),
        ("print('nothing of {}')", ""),
        ("'{}'", "printed nothing to look at"),
        ("raise SystemExit('{}')", "printed nothing to look at"),
    ],
)
def test_what_a_log_prints_is_searched_too(place: Path, printed: str, said: str) -> None:
    command = shlex.join([sys.executable, "-c", printed.format(str(place / "secrets/registry"))])
    code, errors = watch(place, START, "--printed", command)
    assert code == bool(said) and said in errors


def test_a_command_that_fails_proves_nothing(place: Path) -> None:
    assert watch(place, "raise SystemExit(7)")[0] == 7
    (place / "secrets/registry").unlink()
    code, errors = watch(place, "import time; time.sleep(0.2)")
    assert code == 1 and "nothing to look for" in errors
