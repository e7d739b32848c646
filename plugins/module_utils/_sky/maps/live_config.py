# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations of pex_config, set by the assignments of a file that is never executed."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.check import shown
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config_values import WrongOptionError


@dataclass(frozen=True)
class LivePart:
    """A part of a configuration.

    Parameters
    ----------
    spelled : `str`
        How it is written.
    held : `typing.Any`
        What is there now.
    owner : `typing.Any`, optional
        What it can be set in; `None` for what takes no value.
    name : `str`, optional
        As what.
    """

    spelled: str
    held: Any
    owner: Any = None
    name: str = ""

    @property
    def is_value(self) -> bool:
        """Whether nothing is in it (`bool`)."""
        return not (self.attributes or self.items)

    @property
    def attributes(self) -> list[str]:
        """What may stand after a dot (`list` [`str`])."""
        if _is_choice(self.held):
            return ["name", "active"]
        if not _is_config(self.held):
            return []
        # Options that have moved are properties in their former place.
        members = inspect.getmembers_static(type(self.held))
        moved = [name for name, member in members if isinstance(member, property) and member.fset]
        return [*self.held.keys(), *moved]

    @property
    def items(self) -> list[str]:
        """What may stand in brackets (`list` [`str`])."""
        return list(self.held.types) if _is_choice(self.held) else []


class LiveConfig:
    """The reading of a file into a configuration of pex_config.

    Only options are reached: no methods, and no other attributes of the classes.
    """

    def go(self, part: LivePart, name: str, *, is_item: bool) -> LivePart:
        """Go on from a part to what is in it.

        Parameters
        ----------
        part : `LivePart`
            Where to start.
        name : `str`
            Name of an attribute or an item.
        is_item : `bool`
            Which of the two.

        Returns
        -------
        part : `LivePart`
            What it names.

        Raises
        ------
        WrongOptionError
            If there is nothing of that name.
        """
        if part.is_value:
            raise WrongOptionError(f"{part.spelled} is a value, nothing is in it")
        known = {_item(part, key): (key, True) for key in part.items}
        known |= {f"{part.spelled}.{key}": (key, False) for key in part.attributes}
        spelled = _item(part, name) if is_item else f"{part.spelled}.{name}"
        if spelled not in known:
            names = {key: one for one, (key, _unused) in known.items()}
            near = [names[key] for key in difflib.get_close_matches(name, names, n=3, cutoff=0.7)]
            expected = near or list(known)
            one_of = "one of " if len(expected) > 1 else ""
            raise WrongOptionError(f"{spelled} is unknown, expected {one_of}{', '.join(expected)}")
        if is_item:
            return LivePart(spelled, part.held[name])
        held = getattr(part.held, name)
        return LivePart(spelled, held) if name == "active" else LivePart(spelled, held, part.held, name)

    def assign(self, part: LivePart, value: object, line: int) -> None:
        """Set an option, or choose; pex_config checks the value.

        Parameters
        ----------
        part : `LivePart`
            What is set.
        value : `object`
            A plain value.
        line : `int`
            Where it is set.

        Raises
        ------
        WrongOptionError
            If it takes no value, or not this one.
        """
        del line
        if part.owner is None or (not part.is_value and not _is_choice(part.held)):
            raise WrongOptionError(f"{part.spelled} takes no value, only its options do")
        try:
            setattr(part.owner, part.name, value)
        except Exception as error:
            raise WrongOptionError(f"{part.spelled} can't be {shown(value)}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    """Give the reason in an error of pex_config, with the option before and places in files after it."""
    line = str(error).strip().partition("\n")[0]
    return line.rpartition("failed validation: ")[2] or type(error).__name__


def _item(part: LivePart, name: str) -> str:
    return f'{part.spelled}["{name}"]'


def _is_config(held: Any) -> bool:
    from lsst.pex.config import Config

    return isinstance(held, Config)


def _is_choice(held: Any) -> bool:
    """Tell the choice of an item of a registry, each with its configuration, from a mapping as a value."""
    return isinstance(held, Mapping) and hasattr(type(held), "active")
