# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that waits: it has imported packages and runs each script in a fork of itself.

Nothing of Ansible is imported here, as every module brings its own.
"""

import atexit
import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback
import types
from pathlib import Path

PACKAGES = (
    "astropy.io.fits",
    "astropy.table",
    "astropy.time",
    "lsst.daf.butler.direct_butler",
    "lsst.daf.butler.registry.databases.postgresql",
    "lsst.daf.butler.registry.databases.sqlite",
    "lsst.sphgeom",
    "numpy",
    "yaml",
)


def run(script):
    """Run a script as an interpreter would, and give its exit code."""
    main = types.ModuleType("__main__")
    main.__file__ = script
    main.__builtins__ = __builtins__
    sys.modules["__main__"] = main
    sys.argv = [script]
    sys.path.insert(0, str(Path(script).parent))
    try:
        exec(compile(Path(script).read_bytes(), script, "exec"), main.__dict__)
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        print(ended.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def serve(connection):
    """Be the process that was asked for."""
    message, streams, _flags, _address = socket.recv_fds(connection, 1 << 20, 3)
    request = json.loads(message)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    os.umask(request["umask"])
    connection.send(str(os.getpid()).encode())
    code = run(request["arguments"][0])
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    connection.send(str(code).encode())


def main():
    path = sys.argv[1]
    sys.path.pop(0)  # this file's folder
    for package in PACKAGES:
        importlib.import_module(package)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(path)
    listening.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    while True:
        ready = select.select([listening, sys.stdin], [], [])[0]
        if listening not in ready:  # the tests have ended
            return
        connection, _address = listening.accept()
        if os.fork() == 0:
            listening.close()
            try:
                serve(connection)
            finally:
                os._exit(0)
        connection.close()


if __name__ == "__main__":
    main()
