# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that modules share, so that each is spelled and means the same everywhere."""

from __future__ import annotations

from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._butler.transfers import TRANSFERS

LOG_FILE: dict[str, dict[str, Any]] = {
    "log_file": {"type": "path"},
}
REPOSITORY: dict[str, dict[str, Any]] = {
    "repo": {"type": "str", "required": True},
    **LOG_FILE,
}
ON_CONFLICT: dict[str, dict[str, Any]] = {
    "on_conflict": {"type": "str", "choices": ["fail", "keep", "replace"], "default": "fail"},
}
ON_MISSING: dict[str, dict[str, Any]] = {
    "on_missing": {"type": "str", "choices": ["fail", "skip"], "default": "fail"},
}
# The action plugin is the one that heeds it.
PROGRESS: dict[str, dict[str, Any]] = {
    "progress": {"type": "bool", "default": True},
}
TRANSFER: dict[str, dict[str, Any]] = {
    "transfer": {"type": "str", "choices": list(TRANSFERS), "default": "auto"},
}
