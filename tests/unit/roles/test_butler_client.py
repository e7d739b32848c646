# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role butler_client does on the host without Ansible, and the pins that it takes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
ROLE = ROOT / "roles" / "butler_client"

LOADER = """\
echo "a line for the reader"
export PATH="{python}:$PATH" PS1='> ' GIVEN=$'two\\nlines = and more'
unset LANG
setup() {{ [ "$1" = good ] && export SETUP_GOOD=yes; }}
export -f setup
"""


def capture(folder: Path, *products: str) -> subprocess.CompletedProcess[str]:
    loader = folder / "load LSST.bash"
    loader.write_text(LOADER.format(python=Path(sys.executable).parent))
    return subprocess.run(
        [sys.executable, str(ROLE / "files" / "capture_environment.py"), str(loader), *products],
        env={**os.environ, "PGPASSWORD": "of-the-caller"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_a_stack_changes_is_captured_and_nothing_else(tmp_path: Path) -> None:
    done = capture(tmp_path, "good")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert Path(found["python"]) == Path(sys.executable).with_name("python")
    assert found["environment"].pop("PATH").startswith(f"{Path(sys.executable).parent}:/usr/local/bin")
    assert found["environment"] == {"GIVEN": "two\nlines = and more", "SETUP_GOOD": "yes"}


@pytest.mark.parametrize(
    ("products", "reason"), [(["bad"], "setup bad failed"), (["good", "bad"], "setup bad failed")]
)
def test_a_product_that_can_not_be_set_up_is_named(tmp_path: Path, products: list[str], reason: str) -> None:
    done = capture(tmp_path, *products)
    assert done.returncode != 0 and reason in done.stderr and "a line for the reader" in done.stderr


def test_the_role_takes_the_pins_of_the_collection() -> None:
    variables = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())
    assert variables["butler_client_pins"] == "{{ role_path }}/../.."
    pins = dict(re.findall(variables["butler_client_pin"], (ROOT / "requirements.txt").read_text()))
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if re.match(r"\w", line)]
    assert len(pins) == len(lines) > 10, "the role would not see that one of them is missing"
    ignored = yaml.safe_load((ROOT / "galaxy.yml").read_text())["build_ignore"]
    assert not {"requirements.txt", "constraints.txt", "requirements*.txt", "*.txt"} & set(ignored)
