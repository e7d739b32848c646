# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configuration of ``makeSkyMap`` while it is read: where its options are, and what was given to them.

The structure is that of ``MakeSkyMapConfig`` in ``pipe_tasks`` and of the registries in ``lsst.skymap``.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.check import held, shown
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.config_values import WrongOptionError
from ansible_collections.rubin.butler.plugins.module_utils._sky.maps.fields import (
    BUILDERS,
    COMMON,
    KINDS,
    LEGACY,
    Field,
)

DEFAULT_KIND = "dodeca"
# Types that are not built in; a file may set their options beside those of the type that it chooses.
OTHER_KINDS: Mapping[str, tuple[Field, ...]] = {
    "dodeca": (Field("with_tracts_on_poles", "withTractsOnPoles", "bool"),),
    "equat": (Field("num_tracts", "numTracts", "int"), Field("dec_range", "decRange", "floats")),
    "healpix": (Field("log2_n_side", "log2NSide", "int"), Field("nest", "nest", "bool")),
}
ALL_KINDS = {**KINDS, **OTHER_KINDS}


@dataclass(frozen=True)
class Part:
    """A part of the configuration.

    Attributes
    ----------
    spelled : `str`
        How it is written.
    what : `str`
        ``types`` and ``builders`` are choices of one of their items; ``name`` and ``option`` take a value.
    kind : `str`
        The type of sky map that it belongs to.
    builder : `str`
        The tract builder that it belongs to.
    field : `Field` or `None`
        Which option it is.
    ends : `bool`
        Whether it is the ``name`` of a choice.
    """

    spelled: str
    what: Literal["config", "name", "types", "sky map", "builders", "builder", "option"]
    kind: str = ""
    builder: str = ""
    field: Field | None = None
    ends: bool = False

    @property
    def is_value(self) -> bool:
        """Whether it takes a value and nothing is in it (`bool`)."""
        return self.what in ("name", "option") or self.ends


@dataclass
class Draft:
    """What a file has set so far.

    Attributes
    ----------
    name : `object`
        The name of the sky map, if given.
    kind : `str`
        The type of sky map.
    chosen : `bool`
        Whether the file chose it.
    builders : `dict` [`str`, `str`]
        The tract builder that is chosen for each type.
    values : `dict` [`str`, `dict` [`str`, `typing.Any`]]
        Values by type and by `Field.name`.
    written : `dict` [`tuple` [`str`, `str`], `str`]
        How and where each of these was written.
    """

    name: object = None
    kind: str = DEFAULT_KIND
    chosen: bool = False
    builders: dict[str, str] = field(default_factory=lambda: dict.fromkeys(ALL_KINDS, "legacy"))
    values: dict[str, dict[str, Any]] = field(default_factory=lambda: {kind: {} for kind in ALL_KINDS})
    written: dict[tuple[str, str], str] = field(default_factory=dict)

    def go(self, part: Part, name: str, *, is_item: bool) -> Part:
        """Go on from a part to what is in it.

        Parameters
        ----------
        part : `Part`
            Where to start.
        name : `str`
            Name of an attribute or an item.
        is_item : `bool`
            Which of the two.

        Returns
        -------
        part : `Part`
            What it names.

        Raises
        ------
        WrongOptionError
            If there is nothing of that name.
        """
        attributes, items = self._attributes(part), self._items(part)
        found = (items if is_item else attributes).get(name)
        if found is not None:
            return found
        if not attributes:
            raise WrongOptionError(f"{part.spelled} is a value, nothing is in it")
        if is_item and not items:
            raise WrongOptionError(
                f"{part.spelled} has no items, its options are written {part.spelled}.{name}"
            )
        known = {key: one.spelled for key, one in (*items.items(), *attributes.items())}
        below: dict[str, str] = {}
        for deeper in (*attributes.values(), part):
            for item in self._items(deeper).values():
                for key, one in self._attributes(item).items():
                    below.setdefault(key, one.spelled)
        near = difflib.get_close_matches(name, {**below, **known}, n=3, cutoff=0.7)
        expected = [known.get(key) or below[key] for key in near] or list(known.values())
        written = f"[{shown(name)}]" if is_item else f".{name}"
        one_of = "one of " if len(expected) > 1 else ""
        raise WrongOptionError(f"{part.spelled}{written} is unknown, expected {one_of}{', '.join(expected)}")

    def assign(self, part: Part, value: object, line: int) -> None:
        """Set an option, whose type is checked at once, or choose.

        Parameters
        ----------
        part : `Part`
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
        if part.what == "name":
            self.name = value
        elif part.what == "option" and part.field is not None:
            try:
                # pex_config takes None for any option, and complains later if the option is needed.
                self.values[part.kind][part.field.name] = None if value is None else held(part.field, value)
            except ValueError as error:
                raise WrongOptionError(f"{part.spelled} is {shown(value)}, expected {error}") from None
            self.written[part.kind, part.field.name] = f"{part.spelled} (line {line})"
        elif part.what in ("types", "builders"):
            names = tuple(ALL_KINDS if part.what == "types" else BUILDERS)
            if not isinstance(value, str) or value not in names:
                raise WrongOptionError(
                    f"{part.spelled} is {shown(value)}, expected one of {', '.join(names)}"
                )
            if part.what == "types":
                self.kind, self.chosen = value, True
            else:
                self.builders[part.kind] = value
        else:
            raise WrongOptionError(f"{part.spelled} takes no value, only its options do")

    def _attributes(self, part: Part) -> dict[str, Part]:
        """Give what stands after a dot."""
        if part.what == "config":
            return {
                "name": Part(f"{part.spelled}.name", "name"),
                "skyMap": Part(f"{part.spelled}.skyMap", "types"),
            }
        if part.what in ("types", "builders") and not part.ends:
            chosen = self.kind if part.what == "types" else self.builders[part.kind]
            return {
                "name": replace(part, spelled=f"{part.spelled}.name", ends=True),
                "active": replace(self._items(part)[chosen], spelled=f"{part.spelled}.active"),
            }
        if part.what == "builder":
            return self._options(part, BUILDERS[part.builder])
        if part.what == "sky map":
            builders = Part(f"{part.spelled}.tractBuilder", "builders", part.kind)
            # The options of the legacy tract builder were here once, and still are for compatibility.
            return {
                "tractBuilder": builders,
                **self._options(part, ALL_KINDS[part.kind] + COMMON + LEGACY),
            }
        return {}

    @staticmethod
    def _options(part: Part, fields: tuple[Field, ...]) -> dict[str, Part]:
        return {
            one.official: Part(f"{part.spelled}.{one.official}", "option", part.kind, part.builder, one)
            for one in fields
        }

    @staticmethod
    def _items(part: Part) -> dict[str, Part]:
        """Give what stands in brackets."""
        if part.what == "types" and not part.ends:
            return {kind: Part(f'{part.spelled}["{kind}"]', "sky map", kind) for kind in ALL_KINDS}
        if part.what == "builders" and not part.ends:
            return {
                builder: Part(f'{part.spelled}["{builder}"]', "builder", part.kind, builder)
                for builder in BUILDERS
            }
        return {}
