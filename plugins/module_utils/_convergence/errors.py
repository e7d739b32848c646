# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one domain exception."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MAX_DETAILS = 50


class ButlerError(Exception):
    """What an operator did, or what the site has, does not allow the declared state.

    Parameters
    ----------
    message : `str`
        What is wrong: the option's value and what was expected.
    option : `str`, optional
        The module option that the message is about, written as the operator wrote it
        (``chains[0].children``).
    hint : `str`, optional
        What to do about it.
    details : `~collections.abc.Sequence` [ `str` ], optional
        One line for each thing found; at most `MAX_DETAILS` of them are shown and the rest counted.
    unlisted : `int`, optional
        How many things were found besides those in ``details``.
    """

    def __init__(
        self,
        message: str,
        *,
        option: str | None = None,
        hint: str | None = None,
        details: Sequence[str] = (),
        unlisted: int = 0,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.option = option
        self.hint = hint
        self.details = tuple(details)
        self.unlisted = unlisted

    def __str__(self) -> str:
        lines = [f"{self.option}: {self.message}" if self.option else self.message]
        lines += [f"  - {detail}" for detail in self.details[:MAX_DETAILS]]
        more = max(0, len(self.details) - MAX_DETAILS) + self.unlisted
        if more:
            lines.append(f"  - ... and {more} more")
        if self.hint:
            lines.append(self.hint)
        return "\n".join(lines)


class SecretError(ButlerError):
    """A secret stands where it would be stored or shown.

    Parameters
    ----------
    message : `str`
        What is wrong, without the secret.
    secrets : `~collections.abc.Sequence` [ `str` ]
        What must not be shown with the task's arguments either.
    **more
        As for `ButlerError`.
    """

    def __init__(self, message: str, *, secrets: Sequence[str], **more: Any) -> None:
        super().__init__(message, **more)
        self.secrets = tuple(secret for secret in secrets if secret)


class StoppedError(ButlerError):
    """The run was asked to stop, and did so at a batch boundary."""


class NewHostError(ButlerError):
    """A host that does not know yet how to reach a server: a task before this one may be about to tell it."""


class RepositoryAbsentError(ButlerError):
    """There is no Butler repository where one is needed."""
