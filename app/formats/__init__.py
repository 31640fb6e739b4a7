"""The forms an answer can take, and which of them a client asks for."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple


class Format(NamedTuple):
    """A value of `format=` and the media type that means the same in an Accept header."""

    name: str
    media_type: str
    parameters: str = ""
    """What the Content-Type says besides."""
    extension: str = ""
    """Of the file that a browser saves; none where it had better show the answer."""


JSON = Format("json", "application/json")
SPARSE = Format("json", "application/vnd.fasti.sparse+json")
"""JSON with keys missing, since `fields` dropped them: sent for `fields`, never asked for."""
CYTOSCAPE = Format("cytoscape", "application/vnd.fasti.cytoscape+json")
TIMELINEJS = Format("timelinejs", "application/vnd.fasti.timelinejs+json")

CSV = Format("csv", "text/csv", "; charset=utf-8; header=present", "csv")
NDJSON = Format("ndjson", "application/x-ndjson")
JSON_LD = Format("jsonld", "application/ld+json")
CSL = Format("csl", "application/vnd.citationstyles.csl+json")
BIBTEX = Format("bibtex", "application/x-bibtex", "; charset=utf-8", "bib")
RIS = Format("ris", "application/x-research-info-systems", "; charset=utf-8", "ris")
DATA_PACKAGE = Format("datapackage", "application/zip", extension="zip")

RECORD_FORMATS = (CSV, NDJSON, JSON_LD, CSL, BIBTEX, RIS)
"""Besides JSON: what every list and every record, relation, citation and passage can be had as."""
SHAPES: dict[str, dict[str, Any]] = {
    "Csv": {
        "type": "string",
        "description": "CSV (RFC 4180) with a header. A column is named by the path of its value in the JSON, and is "
        "there whatever the data is. Lists of records are their ids with `;` between, other lists are JSON. Words "
        "that a spreadsheet would run as a formula have an apostrophe before them.",
        "examples": ["id,kind,name\r\nchina,place,China\r\n"],
    },
    "Ndjson": {
        "type": "string",
        "description": "A document a line, each as it stands in the JSON answer.",
        "examples": ['{"id":"china","kind":"place","name":"China"}\n'],
    },
    "JsonLd": {
        "type": "object",
        "description": "JSON-LD in the terms of schema.org and Web Annotation, its context inline. A relation is "
        "an `rdf:Statement`, which keeps who says it, and never a bare triple.",
        "properties": {
            "@context": {"type": "object", "description": "What the keys mean.", "additionalProperties": True},
            "@graph": {
                "type": "array",
                "description": "The page, its items, and the dataset with its revision and licence.",
                "items": {"type": "object", "additionalProperties": True},
            },
        },
        "required": ["@context", "@graph"],
    },
    "Csl": {
        "type": "array",
        "description": "References as CSL-JSON, which Zotero and citeproc read.",
        "items": {"type": "object", "additionalProperties": True},
        "examples": [[{"id": "china", "type": "entry", "title": "China", "publisher": "Fasti"}]],
    },
    "Bibtex": {
        "type": "string",
        "description": "References in BibTeX, UTF-8.",
        "examples": ["@misc{china,\n  title = {{China}},\n  publisher = {Fasti}\n}\n"],
    },
    "Ris": {
        "type": "string",
        "description": "References in RIS, UTF-8.",
        "examples": ["TY  - DBASE\r\nID  - china\r\nTI  - China\r\nER  - \r\n"],
    },
}
"""How the formats of records look, for the OpenAPI document; in the order of `RECORD_FORMATS`."""
BY_MEDIA_TYPE = {each.media_type: each for each in (JSON, SPARSE, *RECORD_FORMATS, DATA_PACKAGE, CYTOSCAPE, TIMELINEJS)}


@dataclass(frozen=True)
class Context:
    """What a renderer has to know besides the documents. URLs are absolute."""

    base: str
    url: str
    """What was asked for, without `format`."""
    name: str
    """The list's name, such as `events`."""
    wire: Any
    """The class of the documents, or a union of classes: it decides a table's columns."""
    about: dict[str, Any]
    """The document of `/v1`: revision, titles, licences."""
    fields: Sequence[str] = ()
    single: bool = False
    """One document by its id, and not a list."""
    next: str | None = None

    def at(self, document: dict[str, Any]) -> str:
        """Where a document is."""
        path: str = document["links"]["self"] if "links" in document else document.get("url", "")
        return self.base + (path or f"/v1/citations/{document['id']}")

    def licence(self, key: str = "licence") -> str | None:
        """The licence (or its `licence_url`) of all that is loaded; None where the packs do not share one."""
        found = {each[key] for each in self.about["knowledge_bases"]}
        return found.pop() if len(found) == 1 else None

    def title(self) -> str:
        """The title of the one knowledge base, or the service's name where several are loaded."""
        titles = [each["title"] for each in self.about["knowledge_bases"]]
        return titles[0] if len(titles) == 1 else str(self.about["name"])


Renderer = Callable[[Iterable[str], Context], Iterator[bytes]]
"""Documents as JSON, one at a time, into the bytes of a format, as they come."""

_WEIGHT = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


def negotiate(accept: str, allowed: Sequence[Format]) -> Format | None:
    """The allowed format that an Accept header likes best (RFC 9110, 12.5.1), the first of equals; None for none."""
    if accept == "*/*":
        return allowed[0]
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
