"""JSON as it is stored and sent: without a space, and every letter as it is."""

import json
from typing import Any

import orjson

_any_size = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def dump(body: Any) -> str:
    """Raises TypeError for what is no JSON."""
    try:
        return orjson.dumps(body).decode()
    except TypeError:
        # A whole number beyond 64 bits, as a figure may be.
        return _any_size(body)
