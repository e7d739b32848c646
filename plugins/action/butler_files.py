# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""butler_files says how far it is."""

from __future__ import annotations

from ansible_collections.rubin.butler.plugins.plugin_utils.watched import WatchedAction


class ActionModule(WatchedAction):
    """The action of butler_files."""

    items = "files"
