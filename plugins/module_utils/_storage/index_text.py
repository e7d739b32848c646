# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a repository index: read strictly, and edited in place so that comments stay.

What a repository index is: the documentation of ``lsst.daf.butler`` (`Butler.get_known_repos`), and its
``_butler_repo_index.py``: a mapping of labels to URIs, in YAML or JSON, told apart by the file's extension.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ansible_collections.rubin.butler.plugins.module_utils._convergence.errors import ButlerError

if TYPE_CHECKING:
    import yaml

INCLUDES = "includeConfigs"
"""What the Butler's configuration files name others with; it is no label."""

_PLAIN = re.compile(r"[A-Za-z/][\w./-]*(?::[\w./-]+)*")
_WORDS = re.compile(r"(?i)null|true|false|yes|no|on|off|y|n")


def is_json(path: str) -> bool:
    """Tell by its name whether an index is JSON.

    Parameters
    ----------
    path : `str`
        Path of the index.

    Returns
    -------
    is_json : `bool`
        `True` for ``.json``.
    """
    return path.endswith(".json")


def read_index(text: str, path: str) -> dict[str, Any]:
    """Read an index.

    Parameters
    ----------
    text : `str`
        The content of the file.
    path : `str`
        Its path, for messages, and for the extension.

    Returns
    -------
    index : `dict` [ `str`, `str` ]
        URIs by label, in their order. `INCLUDES`, if it is there, is a list.

    Raises
    ------
    ButlerError
        Raised for what is no mapping of labels to URIs, and for a label that stands there twice.
    """
    import yaml

    labels: list[str] = []

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        labels.extend(label for label, _unused in pairs)
        return dict(pairs)

    try:
        if is_json(path):
            given = json.loads(text or "{}", object_pairs_hook=collect)
        else:
            given = yaml.safe_load(text)
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            if isinstance(node, yaml.MappingNode):
                labels.extend(str(key.value) for key, _unused in node.value)
    except (ValueError, yaml.YAMLError) as error:
        raise _invalid(path, f"it can't be read: {_where(error)}") from error
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise _invalid(path, "it is no mapping of labels to URIs")
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        raise _invalid(path, f"it has more than once: {', '.join(twice)}")
    wrong = [str(key) for key, value in given.items() if not _is_entry(key, value)]
    if wrong:
        raise _invalid(path, f"these are no labels with a URI: {', '.join(wrong)}")
    return given


def edit_index(text: str, path: str, entries: Mapping[str, str | None]) -> str:
    """Write, change and remove entries of an index, and leave everything else as it stands.

    YAML is edited where the entries are; comments, order and quotes of the others stay. A comment above an
    entry that is removed stays too, as nobody can tell what it is about. JSON, which has no comments, is
    written anew in its order.

    Parameters
    ----------
    text : `str`
        The content of the file; empty for a new one.
    path : `str`
        Its path.
    entries : `~collections.abc.Mapping` [ `str`, `str` or `None` ]
        The URI that each label is to have; `None` removes it.

    Returns
    -------
    text : `str`
        What the file is to hold.

    Raises
    ------
    ButlerError
        Raised for YAML that can't be edited without touching other entries, such as one with aliases.
    """
    # Ansible keeps no order of a dict's keys, so new ones are sorted.
    entries = dict(sorted(entries.items()))
    wanted = {**read_index(text, path), **entries}
    left = {label: uri for label, uri in wanted.items() if uri is not None}
    if is_json(path):
        return json.dumps(left, indent=2, ensure_ascii=False) + "\n"
    edited = _edit_yaml(text, entries)
    if edited is not None:
        try:
            if read_index(edited, path) == left:
                return edited
        except ButlerError:
            pass  # the reason below says more
    raise ButlerError(
        f"{path} is YAML of a form that can't be edited without losing something of it",
        option="index",
        hint="Write it with one line 'label: URI' for each repository, without braces, anchors and aliases. "
        "Nothing was written.",
    )


def _edit_yaml(text: str, entries: Mapping[str, str | None]) -> str | None:
    import yaml

    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if isinstance(node, yaml.MappingNode) and node.flow_style and not node.value:
        # Braces around nothing hold nothing; comments around them stay.
        text = text[: node.start_mark.index] + text[node.end_mark.index :].lstrip(" ").removeprefix("\n")
        node = None
    # Entries come before the mark of the end.
    end_mark = re.search(r"^\.\.\.[ \t]*\n?(?=(?:[ \t]*(?:#.*)?\n?)*\Z)", text, re.MULTILINE)
    tail = text[end_mark.start() :] if end_mark is not None else ""
    text = text.removesuffix(tail)
    found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
    indent = ""
    if isinstance(node, yaml.MappingNode):
        if node.flow_style:
            return None
        found = {key.value: (key, value) for key, value in node.value}
        indent = " " * node.start_mark.column
    # From the end to the start, so that places that are still to be edited stay where they are.
    for label in sorted(found.keys() & entries.keys(), key=lambda name: -found[name][0].start_mark.index):
        key, value = found[label]
        uri = entries[label]
        start, end = value.start_mark.index, value.end_mark.index
        if uri is None:
            start = text.rfind("\n", 0, key.start_mark.index) + 1
            newline = text.find("\n", end)
            end = len(text) if newline < 0 else newline + 1
        text = text[:start] + ("" if uri is None else _scalar(uri)) + text[end:]
    new = [
        f"{indent}{_scalar(label)}: {_scalar(uri)}\n"
        for label, uri in entries.items()
        if uri is not None and label not in found
    ]
    if new and text and not text.endswith("\n"):
        text += "\n"
    return text + "".join(new) + tail


def _scalar(text: str) -> str:
    """Write a string as YAML; JSON's quotes are YAML's too."""
    if _PLAIN.fullmatch(text) and not _WORDS.fullmatch(text):
        return text
    return json.dumps(text, ensure_ascii=False)


def _is_entry(key: object, value: object) -> bool:
    return isinstance(key, str) and (isinstance(value, str) or key == INCLUDES)


def _where(error: Exception) -> str:
    """Tell where a file is broken, without its lines: they may hold what nobody is to see."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return f"{getattr(error, 'problem', None)} in line {mark.line + 1}"
    line = getattr(error, "lineno", None)
    return f"{getattr(error, 'msg', type(error).__name__)}" + (f" in line {line}" if line else "")


def _invalid(path: str, reason: str) -> ButlerError:
    return ButlerError(
        f"{path} is no repository index: {reason}",
        option="index",
        hint="Such a file has one line 'label: URI' for each repository. Nothing was written.",
    )
