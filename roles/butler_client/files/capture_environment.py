# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell, as JSON, which variables a Science Pipelines set-up gives, and which Python.

It runs on the managed host with whatever Python that has. The stack is set up in an environment of its own:
nothing of the caller's, in which there might be secrets, gets into the result.

Usage: capture_environment.py LOADER [PRODUCT ...]
"""

import json
import os
import pwd
import subprocess
import sys
import tempfile
from pathlib import Path

SCRIPT = r"""
folder=$1 loader=$2; shift 2
env -0 >"$folder/before"
. "$loader" || { echo "$loader failed" >&2; exit 1; }
for product; do
    setup "$product" || { echo "setup $product failed" >&2; exit 1; }
done
env -0 >"$folder/after"
type -P python >"$folder/python" || { echo "there is no python after that" >&2; exit 1; }
"""

# The shell's own, and functions: they have no meaning outside of it.
LEFT_OUT = ("BASH_FUNC_", "OLDPWD=", "PS1=", "PWD=", "SHLVL=", "_=")


def variables(text):
    """Read what ``env -0`` prints.

    Parameters
    ----------
    text : `str`
        ``NAME=value``, each with a NUL after it.

    Returns
    -------
    variables : `dict` [ `str`, `str` ]
        Values by name, without those of the shell.
    """
    entries = [entry for entry in text.split("\0") if "=" in entry and not entry.startswith(LEFT_OUT)]
    return dict(entry.split("=", 1) for entry in entries)


def main():
    """Set up, compare, print."""
    user = pwd.getpwuid(os.getuid())
    clean = {"HOME": user.pw_dir, "USER": user.pw_name, "LANG": "C.UTF-8"}
    clean["PATH"] = "/usr/local/bin:/usr/bin:/bin"
    with tempfile.TemporaryDirectory() as folder:
        command = ["/bin/bash", "--noprofile", "--norc", "-c", SCRIPT, "capture", folder, *sys.argv[1:]]
        done = subprocess.run(
            command,
            env=clean,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            sys.exit(done.stdout.decode(errors="replace"))
        before, after = (variables(Path(folder, name).read_text()) for name in ("before", "after"))
        python = Path(folder, "python").read_text().strip()
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    print(json.dumps({"environment": changed, "python": python}))


if __name__ == "__main__":
    main()
