# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible starts.

It asks the waiting process for a fork, and becomes a true interpreter where that won't do.
"""

import json
import os
import signal
import socket
import sys
from pathlib import Path

# An interpreter looks at these as it starts, and packages as they are imported.
AT_START = ("HOME", "LANG", "LC_", "LD_", "OMP_", "OPENBLAS_", "PYTHON", "TZ", "XDG_")
HANDED_ON = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


def start():
    """Give what a fork can't be given afterwards."""
    names = sorted(name for name in os.environ if name.startswith(AT_START))
    return [
        os.getuid(),
        str(Path("/proc/self/ns/mnt").readlink()),
        [[name, os.environ[name]] for name in names],
    ]


def fork(path):
    """Run what this process was asked to run, and give its exit code."""
    # One that comes before its process is known waits.
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDED_ON)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(path)
    umask = os.umask(0)
    os.umask(umask)
    request = {
        "arguments": sys.argv[1:],
        "environment": dict(os.environ),
        "folder": str(Path.cwd()),
        "umask": umask,
    }
    socket.send_fds(connection, [json.dumps(request).encode()], [0, 1, 2])
    process = int(connection.recv(64))
    for number in HANDED_ON:
        signal.signal(number, lambda number, _frame: os.kill(process, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDED_ON)
    answer = connection.recv(64)
    if not answer:  # it was killed
        os.kill(os.getpid(), signal.SIGKILL)
    return int(answer)


def main():
    here = Path(sys.argv[0]).parent
    setting = json.loads((here / "setting.json").read_text())
    if len(sys.argv) == 2 and sys.argv[1].endswith(".py") and start() == setting["start"]:
        sys.exit(fork(str(here / "socket")))
    os.execv(setting["python"], [setting["python"], *sys.argv[1:]])


if __name__ == "__main__":
    main()
