# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration files of ``butler register-skymap``, read and never executed."""

from __future__ import annotations

import ast
import re
import warnings
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, TypeVar

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.check import faults, name_fault, shown
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config import SkyMapConfig
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config_draft import (
    DEFAULT_KIND,
    Draft,
    Part,
)
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config_values import (
    RefusedError,
    WrongOptionError,
    carries_nothing,
    plain_value,
    steps,
)
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.fields import (
    KINDS,
    Field,
    build,
    fields_of,
)

ACCEPTED = (
    "The file is read as assignments and never executed. Accepted are lines such as "
    'config.skyMap["rings"].pixelScale = 0.2 with strings, numbers, + - * / ** of numbers, and lists of '
    'these; a short name for a part, as in rings = config.skyMap["rings"]; comments; and import lsst.skymap.'
)
OFFICIAL_CLASS = "MakeSkyMapConfig"
"""Which class the official tool reads the file into."""

_MAX_LINE = 200


class OtherSkyMapError(ButlerError):
    """A configuration is of a type that is not built in.

    Parameters
    ----------
    message : `str`
        What is wrong.
    kind : `str`
        The type, as in ``lsst.skymap``'s registry: ``dodeca``, ``equat`` or ``healpix``.
    hint : `str`
        What to do about it.
    """

    def __init__(self, message: str, *, kind: str, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.kind = kind


class Place(Protocol):
    """What a name in a configuration file stands for."""

    @property
    def spelled(self) -> str:
        """How it is written (`str`)."""

    @property
    def is_value(self) -> bool:
        """Whether it takes a value and nothing is in it (`bool`)."""


P = TypeVar("P", bound=Place)


class Reading(Protocol[P]):
    """What becomes of the assignments in a configuration file."""

    def go(self, part: P, name: str, *, is_item: bool) -> P:
        """Go on from a part to an attribute or an item; `RefusedError` if there is none."""

    def assign(self, part: P, value: object, line: int) -> None:
        """Set a part to a plain value; `RefusedError` if it takes none, or not this one."""


@dataclass(frozen=True)
class _Anywhere:
    """A place that need not be in any configuration."""

    spelled: str
    is_value: bool = False


@dataclass
class _Choice:
    """The reading that only learns which type a file chooses."""

    kind: str = DEFAULT_KIND

    def go(self, part: _Anywhere, name: str, *, is_item: bool) -> _Anywhere:
        return _Anywhere(f"{part.spelled}[{name!r}]" if is_item else f"{part.spelled}.{name}")

    def assign(self, part: _Anywhere, value: object, line: int) -> None:
        del line
        if part.spelled in ("config.skyMap", "config.skyMap.name") and isinstance(value, str):
            self.kind = value


def chosen_kind(text: str, source: str) -> str:
    """Tell which type of sky map a configuration chooses, whatever else is in it.

    Parameters
    ----------
    text : `str`
        Content of the file.
    source : `str`
        What the file is called in messages.

    Returns
    -------
    kind : `str`
        The type, as in the registry of ``lsst.skymap``.
    """
    choice = _Choice()
    # Reading it for its values tells what is wrong with it.
    with suppress(ButlerError):
        read_assignments(text, source, choice, _Anywhere("config"), OFFICIAL_CLASS)
    return choice.kind


def parse_config_file(text: str, source: str, name: str | None = None) -> tuple[str, SkyMapConfig]:
    """Read a configuration of ``butler register-skymap``.

    Parameters
    ----------
    text : `str`
        Content of the file.
    source : `str`
        What the file is called in messages.
    name : `str`, optional
        Name of the sky map instead of the one in the file, as ``-c name=...`` gives it to the official tool.

    Returns
    -------
    name : `str`
        Name of the sky map.
    config : `SkyMapConfig`
        Its configuration, checked.

    Raises
    ------
    OtherSkyMapError
        If the sky map is neither of rings nor discrete.
    ButlerError
        If a line is anything but an assignment to an option, or a value is impossible.
    """
    draft = Draft()
    read_assignments(text, source, draft, Part("config", "config"), OFFICIAL_CLASS)
    found = checked_name(draft.name, name, source)
    if draft.kind not in KINDS:
        without = "" if draft.chosen else ", the default, for it has no config.skyMap.name"
        raise OtherSkyMapError(
            f"{source} configures a sky map of type {draft.kind}{without}",
            kind=draft.kind,
            hint=f"Built in are {' and '.join(KINDS)}; others need lsst.skymap on the managed host.",
        )
    return found, checked(draft, draft.kind, source)


def checked_name(in_file: object, given: str | None, source: str) -> str:
    """Take the name of a sky map from its file, or from the task.

    Parameters
    ----------
    in_file : `object`
        What the file gives; `None` if nothing.
    given : `str` or `None`
        What the task gives.
    source : `str`
        What the file is called in messages.

    Returns
    -------
    name : `str`
        The name.

    Raises
    ------
    ButlerError
        If there is none, or none that a sky map can have.
    """
    if in_file is None and given is None:
        raise ButlerError(
            f"{source} has no line with config.name, the name of the sky map",
            hint='Add a line such as config.name = "DC2", or give the name in the task.',
        )
    # As with the official tool, whose option -c name=... goes before the file.
    found = in_file if given is None else given
    expected = name_fault(found)
    if not isinstance(found, str) or expected:
        which = f"{source}: config.name" if given is None else "name"
        raise ButlerError(f"{which} is {shown(found)}, expected {expected}")
    return found


def checked(draft: Draft, kind: str, source: str) -> SkyMapConfig:
    """Make a configuration of what was read, and check it.

    Parameters
    ----------
    draft : `Draft`
        What was read.
    kind : `str`
        ``rings`` or ``discrete``.
    source : `str`
        What the file is called in messages.

    Returns
    -------
    config : `SkyMapConfig`
        The configuration.

    Raises
    ------
    ButlerError
        If a value is impossible.
    """

    def spelled(field: Field) -> str:
        return draft.written.get((kind, field.name), f'config.skyMap["{kind}"].{field.official} (not set)')

    config = made(draft, kind, source)
    found = list(faults(config, spelled))
    if not found:
        return config
    more = len(found) > 1
    raise ButlerError(
        f"{source}: {len(found)} options can't be used" if more else f"{source}: {found[0]}",
        details=found if more else (),
    )


def made(draft: Draft, kind: str, source: str) -> SkyMapConfig:
    """Make a configuration of what was read, whether or not its values make a sky map.

    Parameters
    ----------
    draft : `Draft`
        What was read.
    kind : `str`
        ``rings`` or ``discrete``.
    source : `str`
        What the file is called in messages.

    Returns
    -------
    config : `SkyMapConfig`
        The configuration.

    Raises
    ------
    ButlerError
        If an option that has no default is missing, or one is `None`.
    """
    values, builder = draft.values[kind], draft.builders[kind]
    if kind == "rings" and "num_rings" not in values:
        raise ButlerError(
            f"{source} doesn't set the number of rings",
            hint='Add a line such as config.skyMap["rings"].numRings = 120.',
        )
    for field in fields_of(kind, builder):
        if field.name in values and values[field.name] is None:
            raise ButlerError(f"{source}: {draft.written[kind, field.name]} is None, expected a value")
    return build(kind, builder, {name: value for name, value in values.items() if value is not None})


def read_assignments(text: str, source: str, draft: Reading[P], top: P, expected: str) -> None:
    """Carry out the assignments of a configuration.

    Parameters
    ----------
    text : `str`
        Python.
    source : `str`
        What it is called in messages.
    draft : `Reading`
        Gets the values.
    top : `Place`
        What ``config`` is.
    expected : `str`
        The class of ``config``, in case the text checks for it.

    Raises
    ------
    ButlerError
        If there is anything but assignments, or one that can't be made.
    """
    lines = re.split(r"\r\n|\r|\n", text)
    names = {"config": top}
    for statement in _statements(text, source, lines):
        try:
            if not carries_nothing(statement, expected):
                _assign(statement, names, draft)
        except RefusedError as error:
            hint = None if isinstance(error, WrongOptionError) else ACCEPTED
            raise _refused(source, lines, statement.lineno, str(error), hint) from None


def _statements(text: str, source: str, lines: list[str]) -> list[ast.stmt]:
    try:
        with warnings.catch_warnings():
            # Such as a backslash in a string that escapes nothing.
            warnings.simplefilter("ignore")
            return ast.parse(text.removeprefix("\ufeff")).body
    except SyntaxError as error:
        raise _refused(
            source, lines, error.lineno or 1, f"this is not Python ({error.msg})", ACCEPTED
        ) from None
    except (ValueError, RecursionError, MemoryError) as error:
        reason = str(error) or "it is nested too deeply"
        raise ButlerError(f"{source} is not Python: {reason}", hint=ACCEPTED) from None


def _assign(statement: ast.stmt, names: dict[str, P], draft: Reading[P]) -> None:
    """Carry out one assignment, or remember a short name."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        raise RefusedError("this is no assignment of a value to an option of config")
    [target] = statement.targets
    if isinstance(target, ast.Name) and target.id != "config":
        part = _named(statement.value, names, draft)
        if part is None or part.is_value:
            raise RefusedError(f"{target.id} is no option of config, nor a short name for a part of it")
        names[target.id] = part
        return
    part = _named(target, names, draft)
    if part is None:
        raise RefusedError("this is no assignment of a value to an option of config")
    try:
        value = plain_value(statement.value)
    except RefusedError as error:
        raise RefusedError(f"{part.spelled} can't be read, {error}") from None
    draft.assign(part, value, statement.lineno)


def _named(expression: ast.expr, names: dict[str, P], draft: Reading[P]) -> P | None:
    """Find the part of the configuration that an expression names."""
    parts = steps(expression)
    if parts is None or parts[0] not in names:
        return None
    part = names[parts[0]]
    for name, is_item in parts[1]:
        part = draft.go(part, name, is_item=is_item)
    return part


def _refused(source: str, lines: list[str], number: int, reason: str, hint: str | None) -> ButlerError:
    line = lines[number - 1].strip() if 0 < number <= len(lines) else ""
    if len(line) > _MAX_LINE:
        line = line[: _MAX_LINE - 3] + "..."
    return ButlerError(f"{source}, line {number}: {reason}", details=[line] if line else (), hint=hint)
