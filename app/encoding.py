"""JSON as it is stored and sent, without a space and every letter as it is; and query strings."""

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote_plus

import orjson

_any_size = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_is_plain = re.compile(r"[A-Za-z0-9_.~-]*").fullmatch


def dump(body: Any) -> str:
    """Raises TypeError for what is no JSON."""
    try:
        return orjson.dumps(body).decode()
    except TypeError:
        # A whole number beyond 64 bits, as a figure may be.
        return _any_size(body)


def query_string(pairs: Iterable[tuple[str, str]]) -> str:
    """What `urlencode` makes of names and values, in a fraction of its time where there is little to quote."""
    return "&".join([f"{_quoted(name)}={_quoted(value)}" for name, value in pairs])


def _quoted(text: str) -> str:
    return text if _is_plain(text) else quote_plus(text)
