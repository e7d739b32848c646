# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists in which every name stands once."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError


def declared_once(option: str, names: Iterable[str], *, hint: str | None = None) -> dict[str, str]:
    """Check that no name of a list is declared twice.

    Parameters
    ----------
    option : `str`
        The option, a list of things with a ``name``.
    names : `~collections.abc.Iterable` [ `str` ]
        The names in their order.
    hint : `str`, optional
        What to do about one that is.

    Returns
    -------
    options : `dict` [ `str`, `str` ]
        The part of the option that declares each name, such as ``chains[0]``.

    Raises
    ------
    ButlerError
        Raised for the second declaration, naming the first.
    """
    options: dict[str, str] = {}
    for index, name in enumerate(names):
        if name in options:
            raise ButlerError(
                f"{name} is {options[name]} already; declare it once",
                option=f"{option}[{index}].name",
                hint=hint,
            )
        options[name] = f"{option}[{index}]"
    return options
