# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs what a module's documentation shows."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from tests.integration.ansible_play import TaskResult, play
from tests.module_texts import texts_of


def run_examples(module: str, places: Mapping[str, str]) -> list[TaskResult]:
    """Run the EXAMPLES of a module in one play.

    Parameters
    ----------
    module : `str`
        Its short name.
    places : `~collections.abc.Mapping` [ `str`, `str` ]
        Paths that the examples name, and what stands for them here. Each has to occur.

    Returns
    -------
    results : `list` [ `TaskResult` ]
        One for each task, none of them failed.
    """
    examples = texts_of(module)["EXAMPLES"]
    for documented, here in places.items():
        assert documented in examples, f"no example names {documented}"
        examples = examples.replace(documented, here)
    results = play(yaml.safe_load(examples))
    for result in results:
        assert not result.failed, f"{result.task}: {result.message}"
    return results
