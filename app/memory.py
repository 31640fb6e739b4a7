"""How a server's process uses memory."""

import ctypes
from contextlib import suppress

KEPT = 16_777_216
"""Bytes: what is kept at the end of the heap, and the largest piece that is taken from there."""

# As malloc.h numbers what can be set.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


def keep_freed() -> None:
    """Have what was freed kept for the next answer.

    The GNU C library gives it back once it is some hundred kilobytes, and whether it does depends on what was asked
    before: a record with its evidence could cost 160 page faults, which took longer than all else that is done for it.
    """
    with suppress(AttributeError):  # Another C library.
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_TRIM_THRESHOLD, KEPT)
        mallopt(_MMAP_THRESHOLD, KEPT)
