"""The forms an answer can take, and which of them a client asks for."""

import re
from collections.abc import Sequence
from typing import NamedTuple


class Format(NamedTuple):
    """A value of `format=` and the media type that means the same in an Accept header."""

    name: str
    media_type: str


JSON = Format("json", "application/json")
SPARSE = Format("json", "application/vnd.fasti.sparse+json")
"""JSON with keys missing, since `fields` dropped them: sent for `fields`, never asked for."""
CYTOSCAPE = Format("cytoscape", "application/vnd.fasti.cytoscape+json")
TIMELINEJS = Format("timelinejs", "application/vnd.fasti.timelinejs+json")

BY_MEDIA_TYPE = {each.media_type: each for each in (JSON, SPARSE, CYTOSCAPE, TIMELINEJS)}

_WEIGHT = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


def negotiate(accept: str, allowed: Sequence[Format]) -> Format | None:
    """The allowed format that an Accept header likes best (RFC 9110, 12.5.1), the first of equals; None for none."""
    ranges = [_range(part) for part in accept.split(",") if part.strip()] or [("*/*", 1.0)]
    liked = [(_liking(ranges, each.media_type), -place, each) for place, each in enumerate(allowed)]
    weight, _, best = max(liked, key=lambda entry: entry[:2])
    return best if weight > 0 else None


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weights = [float(match[1]) for each in parameters if (match := _WEIGHT.fullmatch(each))]
    return name, weights[0] if weights else 1.0


def _liking(ranges: list[tuple[str, float]], media_type: str) -> float:
    """The weight of the most specific range that holds the media type."""
    for name in (media_type, media_type.partition("/")[0] + "/*", "*/*"):
        for each, weight in ranges:
            if each == name:
                return weight
    return 0.0
