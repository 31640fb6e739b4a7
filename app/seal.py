"""The seal of a database file: what tells that it is, byte for byte, what a load wrote.

A load puts it behind the last page, where SQLite does not look: a digest of all that is before it, and which file this
was and when. It goes wherever the file is copied or moved to. A file that ends without it was never completed.
"""

import os
import time
from hashlib import sha256
from pathlib import Path
from struct import Struct
from typing import BinaryIO

LARGE = 100_000_000
"""Bytes that are read in a twentieth of a second. To read 14 GB takes 7 seconds where they are in memory."""

_MAGIC = b"fasti 1\n"
_SEAL = Struct(">8sQQ32s")
_SECOND = 1_000_000_000
_BLOCK = 1 << 20


def put(path: Path) -> None:
    """Seal a file that is complete, and see that it is on the disk."""
    with path.open("r+b") as file:
        digest = _digest(file, file.seek(0, os.SEEK_END))
        # A whole second, which no change of a file would leave behind and every file system keeps.
        written = int(time.time()) * _SECOND
        file.write(_SEAL.pack(_MAGIC, os.fstat(file.fileno()).st_ino, written, digest))
        file.flush()
        os.utime(file.fileno(), ns=(written, written))
        os.fsync(file.fileno())


def is_whole(file: BinaryIO, *, thorough: bool = False) -> bool:
    """Whether a file is as it was sealed. All of it is read, unless it is large, and still the file that was sealed,
    untouched since; with `thorough` even then."""
    found = os.fstat(file.fileno())
    end = found.st_size - _SEAL.size
    if end < 0:
        return False
    file.seek(end)
    magic, number, written, digest = _SEAL.unpack(file.read(_SEAL.size))
    if magic != _MAGIC:
        return False
    untouched = (found.st_ino, found.st_mtime_ns) == (number, written)
    return (untouched and end > LARGE and not thorough) or _digest(file, end) == digest


def _digest(file: BinaryIO, end: int) -> bytes:
    """The digest of the first `end` bytes; less of them have another one."""
    seen = sha256()
    file.seek(0)
    while end > 0 and (block := file.read(min(end, _BLOCK))):
        seen.update(block)
        end -= len(block)
    return seen.digest()
