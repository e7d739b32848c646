# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every test.

None uses credentials of the person or the machine that runs it, and none measures how quick the machine is.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# A URI of an object store makes boto3 look for credentials; on a cloud machine it asks the metadata service.
for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
    os.environ.pop(name, None)
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull

settings.register_profile("patient", settings(), deadline=None)
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let whoever has the time kill whole campaigns more often."""
    parser.addoption(
        "--kills", type=int, default=2, help="how often to kill each campaign at random (by default twice)"
    )


@pytest.fixture(scope="session")
def kills(pytestconfig: pytest.Config) -> int:
    """Say how often to kill a campaign."""
    return int(pytestconfig.getoption("--kills"))
