"""Cursors: a position in one list, sealed, so that it is of no use in another."""

import base64
import binascii
import json
import math
import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from app import dates
from app.encoding import dump
from app.errors import Fault, wrong

_SURROGATE = re.compile("[\ud800-\udfff]")


def seal(signature: str, position: Any) -> str:
    """A cursor: a position in the list of this signature, of no use in any other."""
    body = dump(position).encode()
    return base64.urlsafe_b64encode(_digest(signature, body) + body).decode().rstrip("=")


def _digest(signature: str, body: bytes) -> bytes:
    return blake2b(signature.encode() + b"\0" + body, digest_size=9).digest()


def unseal(signature: str, cursor: str, fits: Callable[[list[Any]], bool]) -> list[Any]:
    """The position that a cursor holds. Raises Problem for any cursor that is not of the list of this signature.

    The seal tells a cursor of another list. It is no secret, so what it seals is still looked at like any input.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        values = json.loads(raw[9:]) if raw[:9] == _digest(signature, raw[9:]) else None
    except (binascii.Error, ValueError, RecursionError):
        values = None
    if isinstance(values, list) and fits(values):
        return values
    detail = "it is not one of this list: take it from `next`, with the same filters and sort"
    raise wrong(Fault(parameter="cursor", detail=detail, nearest=None))


def fits(column: Any, value: Any) -> bool:
    """Whether a value can have come from the column."""
    if value is None:
        return bool(column.nullable)
    if column.type.python_type not in (int, float):
        return isinstance(value, str) and "\0" not in value and not _SURROGATE.search(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= dates.FAR if column.type.python_type is int else math.isfinite(value)
