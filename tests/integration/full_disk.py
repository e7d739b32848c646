# Copyright (c) 2026, the rubin.butler developers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk without room, for one process: the kernel itself answers its system calls with ENOSPC.

A small file system would have to be mounted, which a plain container does not allow. A filter of system calls
(``seccomp(2)``) is allowed to everybody, and can't be taken off again.
"""

from __future__ import annotations

import ctypes
import errno
import multiprocessing
import os
import platform
from collections.abc import Callable
from typing import Any

_NUMBERS = {
    "x86_64": {"sendfile": 40, "pwrite64": 18, "write": 1},
    "aarch64": {"sendfile": 71, "pwrite64": 68, "write": 64},
}
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 38, 22, 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # words of BPF: load a word, compare it, return
_THIRD_ARGUMENT = 32  # where its lower half is: after the call's number, the architecture and so on
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("jump_true", ctypes.c_uint8),
        ("jump_false", ctypes.c_uint8),
        ("operand", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


def fill(call: str, least: int = 0) -> None:
    """Let a system call of this process fail for want of room from now on.

    Parameters
    ----------
    call : `str`
        ``sendfile``, with which files are copied, ``pwrite64``, with which SQLite writes, or ``write``, with
        which Apache httpd writes files, and logs too.
    least : `int`, optional
        How many bytes it has to be about to fail.
    """
    program = (_Instruction * 6)(
        _Instruction(_LOAD, 0, 0, 0),
        _Instruction(_EQUAL, 0, 3, _NUMBERS[platform.machine()][call]),
        _Instruction(_LOAD, 0, 0, _THIRD_ARGUMENT),
        _Instruction(_AT_LEAST, 0, 1, least),
        _Instruction(_RETURN, 0, 0, _ERRNO | errno.ENOSPC),
        _Instruction(_RETURN, 0, 0, _ALLOW),
    )
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in (
        (_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (_PR_SET_SECCOMP, _FILTER, ctypes.byref(_Program(6, program)), 0, 0),
    ):
        if libc.prctl(*arguments) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def in_a_process(work: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a process of its own.

    Parameters
    ----------
    work : `~collections.abc.Callable`
        The function.
    *arguments : `object`
        What it takes.

    Returns
    -------
    result : `object`
        What it returned, or the exception that it raised as ``"Class: message"``.
    """
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(send, work, arguments))
    process.start()
    send.close()
    result = receive.recv()
    process.join()
    return result


def _work(send: Any, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        send.send(work(*arguments))
    except Exception as error:
        send.send(f"{type(error).__name__}: {error}")
