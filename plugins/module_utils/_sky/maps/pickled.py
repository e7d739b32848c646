# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pickle would call, found without calling it or importing anything."""

from __future__ import annotations

import pickletools
from dataclasses import dataclass


class StrangePickleError(ValueError):
    """A pickle does what no sky map's pickle does; the message says what."""


@dataclass(frozen=True)
class Named:
    """A class or function, by name alone.

    Attributes
    ----------
    module : `str`
        Where it is.
    name : `str`
        What it is called there.
    """

    module: str
    name: str


@dataclass(frozen=True)
class Call:
    """A call that unpickling would make.

    Attributes
    ----------
    function : `object`
        What would be called.
    arguments : `tuple` [`object`, ...]
        With what.
    """

    function: object
    arguments: tuple[object, ...]


_MARK = object()
_INTEGERS = {"BININT", "BININT1", "BININT2"}
_STRINGS = {"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8"}
_VALUES = frozenset(_INTEGERS | _STRINGS)
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def what_is_called(data: bytes) -> object:
    """Follow the operations of a pickle, keeping calls as descriptions.

    Parameters
    ----------
    data : `bytes`
        The pickle. Of the operations, those that calls with strings, bytes and integers need are known.

    Returns
    -------
    described : `object`
        A `Call`, `Named`, string, number or `tuple` of these.

    Raises
    ------
    StrangePickleError
        If it is no pickle, or has other operations.
    """
    stack: list[object] = []
    memo: dict[int, object] = {}
    try:
        for opcode, argument, _position in pickletools.genops(data):
            if opcode.name == "STOP":
                [described] = stack
                return described
            _follow(opcode.name, argument, stack, memo)
    except StrangePickleError:
        raise
    except Exception as error:  # genops raises whatever its readers meet
        raise StrangePickleError(f"it is no complete pickle ({type(error).__name__})") from None
    raise StrangePickleError("it has no end")


def _follow(name: str, argument: object, stack: list[object], memo: dict[int, object]) -> None:
    if name in ("PROTO", "FRAME"):
        return
    if name in _VALUES:
        stack.append(argument)
    elif name == "MEMOIZE":
        memo[len(memo)] = stack[-1]
    elif name in ("BINPUT", "LONG_BINPUT") and isinstance(argument, int):
        memo[argument] = stack[-1]
    elif name in ("BINGET", "LONG_BINGET") and isinstance(argument, int):
        stack.append(memo[argument])
    elif name == "GLOBAL":
        module, _space, attribute = str(argument).partition(" ")
        stack.append(Named(module, attribute))
    elif name == "STACK_GLOBAL":
        last, first = stack.pop(), stack.pop()
        # Anything else could be nested so deeply that to write it down takes for ever.
        if not (isinstance(last, str) and isinstance(first, str)):
            raise StrangePickleError("it names no class")
        stack.append(Named(first, last))
    elif name in _TUPLES:
        start = len(stack) - _TUPLES[name]
        stack[start:] = [tuple(stack[start:])]
    elif name == "MARK":
        stack.append(_MARK)
    elif name == "TUPLE":
        start = len(stack) - 1 - stack[::-1].index(_MARK)
        stack[start:] = [tuple(stack[start + 1 :])]
    elif name == "REDUCE":
        arguments, function = stack.pop(), stack.pop()
        if not isinstance(arguments, tuple):
            raise StrangePickleError("it calls without arguments")
        stack.append(Call(function, arguments))
    else:
        raise StrangePickleError(f"it has the operation {name}")
