# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports for servers that tests start."""

from __future__ import annotations

import random
import socket


def free_port() -> int:
    """Find a port of the loopback that nobody uses.

    Returns
    -------
    port : `int`
        Not one of those that the system gives to connections by itself (32768 on, in Linux): so a server that
        is stopped finds it free when it starts again.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
