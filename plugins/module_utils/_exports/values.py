# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML as exports use it, built while it is parsed.

The loaders of PyYAML make a tree of nodes first, which costs several times as much time and memory as the
values.
Source of the tags: daf_butler, ``transfers/_yaml.py``, ``_timespan.py``, ``time_utils.py``; sphgeom,
``_yaml.py``.
"""

from __future__ import annotations

import gc
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError

MAX_REMEMBERED = 50_000
"""How many different plain scalars are kept, so that equal ones are resolved once and share their memory."""

_REGIONS = ("Box", "Circle", "ConvexPolygon", "Ellipse", "IntersectionRegion", "UnionRegion")
_STANDARD = "tag:yaml.org,2002:"


@dataclass
class Document:
    """A parsed document.

    Parameters
    ----------
    head : `dict`
        The top-level entries but ``data``.
    sections : `list` [ `tuple` [ `int`, `object` ] ] or `None`
        The entries of ``data``, each with the line where it begins; `None` if ``data`` is not a list.
    """

    head: dict[str, Any] = field(default_factory=dict)
    sections: list[tuple[int, Any]] | None = None


def parse(content: bytes) -> Document:
    """Parse an export.

    Parameters
    ----------
    content : `bytes`
        The file.

    Returns
    -------
    document : `Document`
        Its values. UUIDs, times, timespans and regions are objects; no other object can be made, whatever the
        file asks for. Time and memory grow linearly with the file.

    Raises
    ------
    ButlerError
        Raised with the line if it is not YAML, or not the YAML of an export.
    """
    import yaml

    try:
        with without_collection():
            return _Parser(content).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark is not None else ""
        raise ButlerError(f"it is not YAML: {where}{error.problem or error.context}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ButlerError(f"it is not YAML: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise ButlerError("it is nested too deeply for an export") from None


@contextmanager
def without_collection() -> Iterator[None]:
    """Make many values without looking for cycles among them, which would take most of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Parser:
    def __init__(self, content: bytes) -> None:
        import yaml

        # Importing daf_butler registers how its times and timespans are written.
        from lsst.daf.butler import Timespan

        self._yaml = yaml
        self._timespan = Timespan
        self._loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(content)
        self._next = self._loader.get_event
        self._constructors = yaml.constructor.SafeConstructor.yaml_constructors
        self._anchors: dict[str, Any] = {}
        self._plain: dict[str, Any] = {}
        self._tagged = {
            "!uuid": lambda node: uuid.UUID(hex=node.value),
            "!butler_time/tai/iso": self._registered,
            "!lsst.daf.butler.Timespan": self._registered,
        }

    def document(self) -> Document:
        events = self._yaml.events
        self._next()
        if isinstance(self._next(), events.StreamEndEvent):
            raise ButlerError("it is empty")
        if not isinstance(self._next(), events.MappingStartEvent):
            raise ButlerError(
                "it is YAML, but not a Butler export: a mapping with version and data is expected"
            )
        document = Document()
        while not isinstance(event := self._next(), events.MappingEndEvent):
            key = self._value(event)
            event = self._next()
            if key == "data" and isinstance(event, events.SequenceStartEvent):
                document.sections = list(self._sections())
            else:
                document.head[str(key)] = self._value(event)
        return document

    def _sections(self) -> Iterator[tuple[int, Any]]:
        end = self._yaml.events.SequenceEndEvent
        while not isinstance(event := self._next(), end):
            yield event.start_mark.line + 1, self._value(event)

    def _value(self, event: Any) -> Any:
        kind = type(event).__name__
        if kind == "ScalarEvent":
            value = self._scalar(event)
        elif kind == "MappingStartEvent":
            value = self._mapping(event)
        elif kind == "SequenceStartEvent":
            value = self._sequence(event)
        else:
            try:
                return self._anchors[event.anchor]
            except KeyError:
                raise self._error(event, f"the alias *{event.anchor} stands for nothing") from None
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value

    def _sequence(self, event: Any) -> Any:
        if event.tag not in (None, f"{_STANDARD}seq"):
            raise self._error(event, f"the tag {event.tag} is not one of an export")
        end, values = self._yaml.events.SequenceEndEvent, []
        while not isinstance(event := self._next(), end):
            values.append(self._value(event))
        return values

    def _mapping(self, start: Any) -> Any:
        end, values = self._yaml.events.MappingEndEvent, {}
        while not isinstance(event := self._next(), end):
            key = self._value(event)
            try:
                values[key] = self._value(self._next())
            except TypeError:
                raise self._error(event, "a key is neither text nor a number") from None
        if start.tag in (None, f"{_STANDARD}map"):
            return values
        return self._object(start, values)

    def _object(self, event: Any, values: dict[Any, Any]) -> Any:
        """Make what a tagged mapping stands for."""
        from lsst.sphgeom import Region  # type: ignore[import-untyped]

        try:
            if event.tag == "!lsst.daf.butler.Timespan":
                return self._timespan(values["begin"], values["end"])
            if event.tag in {f"lsst.sphgeom.{name}" for name in _REGIONS}:
                return Region.decode(bytes.fromhex(values["encoded"]))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise self._error(event, f"this is no {event.tag}: {error}") from None
        raise self._error(event, f"the tag {event.tag} is not one of an export")

    def _scalar(self, event: Any) -> Any:
        text = event.value
        if event.tag is None or event.tag == "!":
            if not event.implicit[0] or event.tag == "!":
                return text
            try:
                return self._plain[text]
            except KeyError:
                value = self._resolved(event)
                if len(self._plain) < MAX_REMEMBERED:
                    self._plain[text] = value
                return value
        node = self._yaml.ScalarNode(event.tag, text)
        try:
            make = self._tagged.get(event.tag)
            if make is not None:
                return make(node)
            if event.tag in self._constructors:
                return self._standard(node)
        except (ValueError, TypeError, AttributeError) as error:
            raise self._error(event, f"this is no {event.tag}: {error}") from None
        raise self._error(event, f"the tag {event.tag} is not one of an export")

    def _resolved(self, event: Any) -> Any:
        text = event.value
        tag = self._loader.resolve(self._yaml.ScalarNode, text, (True, False))
        if tag == f"{_STANDARD}str":
            return text
        try:
            return self._standard(self._yaml.ScalarNode(tag, text))
        except ValueError as error:
            raise self._error(event, f"this is no {tag}: {error}") from None

    def _standard(self, node: Any) -> Any:
        construct = self._constructors.get(node.tag)
        return node.value if construct is None else construct(self._loader, node)

    def _registered(self, node: Any) -> Any:
        return self._yaml.SafeLoader.yaml_constructors[node.tag](self._loader, node)

    def _error(self, event: Any, problem: str) -> Exception:
        error: Exception = self._yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
        return error
