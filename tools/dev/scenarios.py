# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run molecule scenarios and tell how long each took: what ``make molecule`` does."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "extensions" / "molecule"

PACKAGES = {
    "podman": "podman",
    "runc": "runc",
    "/usr/lib/podman/netavark": "netavark",
    "/usr/lib/podman/aardvark-dns": "aardvark-dns",
    "iptables": "iptables",
    "mmdebstrap": "mmdebstrap",
    "psql": "postgresql-client",
    "curl": "curl",
}
"""What the scenarios run on this machine, and Debian's package that holds it."""


def main() -> None:
    """Run the scenarios that the command line names, or all, and leave with 1 if one of them failed."""
    parser = argparse.ArgumentParser(prog="make molecule", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="default: all of them")
    named = parser.parse_args().scenarios
    known = all_scenarios()
    unknown = sorted(set(named) - set(known))
    if unknown:
        raise SystemExit(f"There is no scenario {', '.join(unknown)}: there are {', '.join(known)}.")
    require_packages()
    seconds = {}
    failed = []
    for name in named or known:
        begun = time.monotonic()
        print(f"\n--- scenario {name}", flush=True)
        if not passes(name):
            failed.append(name)
        seconds[name] = time.monotonic() - begun
    print("\nwall time of each scenario:")
    for name, took in seconds.items():
        print(f"  {name:24}{took:6.0f} s{'  FAILED' if name in failed else ''}")
    print(f"  {'in all':24}{sum(seconds.values()):6.0f} s", flush=True)
    raise SystemExit(1 if failed else 0)


def all_scenarios() -> list[str]:
    """Give the names of all scenarios but ``default``, which each of the others begins and ends with."""
    names = sorted(file.parent.name for file in SCENARIOS.glob("*/molecule.yml"))
    whole = "ccms1"  # last: where a part of it fails, the scenario of that part tells more
    return [name for name in names if name not in ("default", whole)] + [whole]


def passes(name: str) -> bool:
    """Take one scenario through all of its steps."""
    # Molecule's own place under the home directory is the same for all checkouts that are called alike.
    place = Path(os.environ.get("MOLECULE_EPHEMERAL_DIRECTORY", ROOT / "var" / "molecule" / "run"))
    shutil.rmtree(place, ignore_errors=True)
    programs = Path(sys.executable).parent
    command = [str(programs / "molecule"), "test", "--no-command-borders", "--scenario-name", name]
    environment = {
        **os.environ,
        "MOLECULE_EPHEMERAL_DIRECTORY": str(place),
        "PATH": os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)]),
    }
    passed = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0
    if not passed:
        # Where molecule itself breaks off it leaves the containers.
        destroy = [command[0], "destroy", "--no-command-borders", "--scenario-name", "default"]
        subprocess.run(destroy, cwd=ROOT, env=environment, check=False)
    return passed


def require_packages() -> None:
    """Refuse a machine that can't run the containers.

    Raises
    ------
    SystemExit
        If this isn't root, or a program is missing; the message says what to install.
    """
    if os.geteuid() != 0:
        raise SystemExit(
            "Run this as root: only then has this machine a way to the addresses of the containers."
        )
    missing = [package for program, package in PACKAGES.items() if shutil.which(program) is None]
    if missing:
        raise SystemExit(f"Missing here: apt-get install --no-install-recommends {' '.join(missing)}")


if __name__ == "__main__":
    main()
