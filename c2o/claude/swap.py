"""Exchanging two files in one step, where the system can.

To replace a file is to destroy what it is at that moment, which may be more than what was read a moment before.
An exchange hands the old file over instead, so that it can be looked at.

``renameat2`` with ``RENAME_EXCHANGE``: https://man7.org/linux/man-pages/man2/rename.2.html.
``renamex_np`` with ``RENAME_SWAP``: https://keith.github.io/xcode-man-pages/rename.2.html.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path


def swap(one: Path, other: Path) -> bool:
    """Exchange two files of one file system.  False if that isn't possible here; then nothing has happened."""
    exchange = _exchange()
    return exchange is not None and exchange(os.fsencode(one), os.fsencode(other)) == 0


@cache
def _exchange() -> Callable[[bytes, bytes], int] | None:
    try:
        library = ctypes.CDLL(None)
        return _CALLS[sys.platform](library)
    except (KeyError, OSError, TypeError, AttributeError):  # Windows, or an older C library
        return None


_FLAG = ctypes.c_uint(2)
"""``RENAME_EXCHANGE`` and ``RENAME_SWAP``"""

_HERE = -100
"""``AT_FDCWD``"""


def _linux(library: ctypes.CDLL) -> Callable[[bytes, bytes], int]:
    renameat2 = library.renameat2
    return lambda one, other: renameat2(_HERE, one, _HERE, other, _FLAG)


def _darwin(library: ctypes.CDLL) -> Callable[[bytes, bytes], int]:
    renamex_np = library.renamex_np
    return lambda one, other: renamex_np(one, other, _FLAG)


_CALLS = {"linux": _linux, "darwin": _darwin}
