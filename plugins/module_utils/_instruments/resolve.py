# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the three sources of instrument knowledge serves an instrument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._instruments.catalogue import (
    BUILT_IN,
    find_built_in,
)
from ansible_collections.rubin.butler.plugins.module_utils._instruments.definition import InstrumentDefinition
from ansible_collections.rubin.butler.plugins.module_utils._instruments.given import definition_from_data
from ansible_collections.rubin.butler.plugins.module_utils._instruments.official import (
    ClassUnusableError,
    definition_from_class,
    load_class,
)


@dataclass(frozen=True, slots=True)
class ResolvedInstrument:
    """An instrument definition and where it comes from.

    Parameters
    ----------
    definition : `InstrumentDefinition`
        The definition.
    source : `str`
        ``class`` (the official class, imported), ``built-in`` or ``definition`` (given as data).
    note : `str`
        Why the sources before this one did not serve, or what was left aside; empty where neither is so.
    """

    definition: InstrumentDefinition
    source: Literal["class", "built-in", "definition"]
    note: str = ""


def resolve_instrument(
    name_or_class: str,
    definitions: Mapping[str, object] | None = None,
    *,
    option: str = "instruments",
    definitions_option: str = "definitions",
) -> ResolvedInstrument:
    """Find an instrument: its official class, else the built-in definition, else one given as data.

    Parameters
    ----------
    name_or_class : `str`
        Name of the instrument or of its official class.
    definitions : `~collections.abc.Mapping` [ `str`, `object` ], optional
        Definitions given as data, by instrument name; see `definition_from_data`.
    option, definitions_option : `str`, optional
        The module options that these were given in, for messages.

    Returns
    -------
    resolved : `ResolvedInstrument`
        The definition and its source.

    Raises
    ------
    ButlerError
        Raised if no source knows the instrument, naming the three, or if a definition given as data is
        not right.
    """
    wanted = name_or_class.strip()
    given = {
        name: definition_from_data(name, data, option=definitions_option)
        for name, data in (definitions or {}).items()
    }
    by_data = next((entry for entry in given.values() if wanted in (entry.name, entry.class_name)), None)
    built_in = find_built_in(wanted)
    class_name = wanted
    if "." not in wanted:
        known = built_in or by_data
        class_name = known.class_name if known else wanted
    try:
        definition = definition_from_class(load_class(class_name))
    except ClassUnusableError as error:
        reason = str(error)
    else:
        left = f"the definition of {definition.name} given as data is not used: its class is installed"
        return ResolvedInstrument(definition, "class", left if by_data else "")
    if built_in:
        left = f"; the definition of {built_in.name} given as data is not used" if by_data else ""
        return ResolvedInstrument(built_in, "built-in", reason + left)
    if by_data:
        return ResolvedInstrument(by_data, "definition", reason)
    names = ", ".join(f"{entry.name} ({entry.class_name})" for entry in BUILT_IN)
    raise ButlerError(
        f"instrument {name_or_class!r} is not known",
        option=option,
        details=[
            f"its official class: {reason}",
            f"the built-in definitions: only {names}",
            f"{definitions_option}, as data: " + (f"only {', '.join(given)}" if given else "none is given"),
        ],
        hint="Install the obs package of the instrument for this Python, name one of the built-in "
        f"instruments, or describe the instrument in {definitions_option}.",
    )
