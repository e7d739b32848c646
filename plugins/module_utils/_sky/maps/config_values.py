# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain values and names in configuration files, read from Python's syntax tree and never executed."""

from __future__ import annotations

import ast
import math

_MAX_DEPTH = 50
_MAX_INTEGER = 2**63
_MAX_POWER = 64


class RefusedError(ValueError):
    """A piece of Python that is no plain value or no option; the message says which and why."""


class WrongOptionError(RefusedError):
    """An assignment to an option that isn't there, or of a value that it doesn't take."""


def plain_value(node: ast.expr, depth: int = 0) -> object:
    """Read a value that is written out.

    Parameters
    ----------
    node : `ast.expr`
        The right side of an assignment.
    depth : `int`, optional
        How deep in the value it stands.

    Returns
    -------
    value : `object`
        A string, number, bool, `None`, or a list or tuple of these.

    Raises
    ------
    RefusedError
        If it is anything else, or a calculation that has no result or a far too large one.
    """
    if depth > _MAX_DEPTH:
        raise RefusedError("the value is nested too deeply")
    if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, str | int | float)):
        return node.value
    if isinstance(node, ast.List):
        return [plain_value(item, depth + 1) for item in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(plain_value(item, depth + 1) for item in node.elts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        number = _number(node.operand, depth)
        return -number if isinstance(node.op, ast.USub) else number
    if isinstance(node, ast.BinOp):
        return _bounded(node.op, _number(node.left, depth), _number(node.right, depth))
    raise RefusedError("the value is neither a string, a number nor a list of these, written out")


def _number(node: ast.expr, depth: int) -> int | float:
    value = plain_value(node, depth + 1)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedError("only numbers are calculated with")
    if _is_large(value):
        raise RefusedError("a number is too large to calculate with")
    return value


def _is_large(value: int | float) -> bool:
    """Tell integers that calculating would take long with; floats have a size."""
    return isinstance(value, int) and abs(value) >= _MAX_INTEGER


def _bounded(operator: ast.operator, left: int | float, right: int | float) -> int | float:
    """Calculate with numbers whose size is known to be small."""
    result: object = None
    try:
        if isinstance(operator, ast.Add):
            result = left + right
        elif isinstance(operator, ast.Sub):
            result = left - right
        elif isinstance(operator, ast.Mult):
            result = left * right
        elif isinstance(operator, ast.Div):
            result = left / right
        elif isinstance(operator, ast.Pow):
            if abs(right) > _MAX_POWER:
                raise RefusedError(f"a power is above {_MAX_POWER}")
            result = left**right
        else:
            raise RefusedError("numbers are calculated with + - * / and ** only")
    except ZeroDivisionError:
        raise RefusedError("a number is divided by zero") from None
    except OverflowError:
        raise RefusedError("a number is too large to calculate with") from None
    # A fractional power of a negative number is complex.
    if not isinstance(result, int | float) or not math.isfinite(result) or _is_large(result):
        raise RefusedError("a number is too large to calculate with, or not real")
    return result


def steps(node: ast.expr) -> tuple[str, list[tuple[str, bool]]] | None:
    """Take a name such as ``config.skyMap["rings"].numRings`` apart.

    Parameters
    ----------
    node : `ast.expr`
        Either side of an assignment.

    Returns
    -------
    root, steps : `tuple` [`str`, `list` [`tuple` [`str`, `bool`]]] or `None`
        The first name; then attributes and items, and whether each is an item. `None` if it isn't
        made of these.
    """
    found = []
    while isinstance(node, ast.Attribute | ast.Subscript):
        if isinstance(node, ast.Attribute):
            found.append((node.attr, False))
        elif isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
            found.append((node.slice.value, True))
        else:
            return None
        node = node.value
    return (node.id, found[::-1]) if isinstance(node, ast.Name) else None


def carries_nothing(statement: ast.stmt, expected: str) -> bool:
    """Tell whether a statement is there for Python alone.

    Documentation, imports of LSST's modules, and the check of the type that pex_config writes at the top
    of what it saves.

    Parameters
    ----------
    statement : `ast.stmt`
        Any.
    expected : `str`
        The name of the class of the configuration.

    Returns
    -------
    nothing : `bool`
        `True` if leaving it out changes no option.

    Raises
    ------
    RefusedError
        If it checks for another class.
    """
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
    if isinstance(statement, ast.Import):
        return all(name.asname is None and name.name.startswith("lsst.") for name in statement.names)
    if not isinstance(statement, ast.Assert) or not isinstance(statement.test, ast.Compare):
        return False
    test = statement.test
    parts = steps(test.comparators[0])
    if (
        not _is_type_of_config(test.left)
        or len(test.ops) != 1
        or not isinstance(test.ops[0], ast.Is | ast.Eq)
        or parts is None
        or parts[0] != "lsst"
        or not _only_tells(statement.msg)
    ):
        return False
    name = parts[1][-1][0] if parts[1] else ""
    if name != expected:
        raise RefusedError(f"the file was saved from a {name}, expected a {expected}")
    return True


def _is_type_of_config(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "type"
        and not node.keywords
        and [arg.id for arg in node.args if isinstance(arg, ast.Name)] == ["config"]
        and len(node.args) == 1
    )


def _only_tells(message: ast.expr | None) -> bool:
    """Tell whether the message of a failed check calls nothing but ``type(config)``."""
    calls = [] if message is None else [node for node in ast.walk(message) if isinstance(node, ast.Call)]
    return all(_is_type_of_config(call) for call in calls)
