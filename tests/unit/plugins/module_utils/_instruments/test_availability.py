# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed decides how much can be done, never whether the files can be imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[5]
PACKAGE = "ansible_collections.rubin.butler.plugins.module_utils"
MODULES = [
    PACKAGE + "." + ".".join(path.relative_to(CHECKOUT / "plugins/module_utils").with_suffix("").parts)
    for folder in ("_instruments", "_storage")
    for path in sorted((CHECKOUT / "plugins/module_utils" / folder).rglob("*.py"))
]

WITHOUT = """
import importlib, sys

ABSENT = {"astropy", "astro_metadata_translator", "erfa", "lsst", "numpy", "yaml"}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ImportError(name)

sys.meta_path.insert(0, Absent())
for module in sys.argv[1:]:
    importlib.import_module(module)
"""

OFFICIAL = """
import sys
import lsst
lsst.__path__.append(sys.argv[1] + "/lsst")
from ansible_collections.rubin.butler.plugins.module_utils._instruments.headers.translate import translator_of
print(translator_of("LSSTComCam").__module__, "DECam" in translator_of("DECam").translators)
"""


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, "-W", "error::ImportWarning", "-c", script, *arguments]
    environment = {"PYTHONPATH": str(CHECKOUT / "var/collections")}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout


def test_every_file_is_imported_where_nothing_is_installed() -> None:
    assert len(MODULES) > 15
    assert run(WITHOUT, *MODULES) == ""


@pytest.mark.parametrize("official", [True, False])
def test_the_official_translators_serve_where_they_are_installed(official: bool, tmp_path: Path) -> None:
    package = tmp_path / "lsst/obs/lsst"
    package.mkdir(parents=True)
    if official:
        (package / "__init__.py").touch()
        (package / "translators.py").write_text(
            "from astro_metadata_translator import FitsTranslator\n"
            "class Official(FitsTranslator):\n"
            "    name = 'LSSTComCam'\n"
        )
    ours = f"{PACKAGE}._instruments.headers.lsst_cam"
    expected = "lsst.obs.lsst.translators" if official else ours
    assert run(OFFICIAL, str(tmp_path)).split() == [expected, "True"]
