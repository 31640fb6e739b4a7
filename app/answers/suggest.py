"""Names completed while they are typed."""

import json
from typing import Any

from sqlalchemy import Connection

from app import analysis, index
from app.analysis import Query
from app.answers.search import TextRange
from app.db import revision_read
from app.encoding import dump
from app.entries import NAMES, SEPARATOR
from app.queries import Body
from app.schemas import Wire, said
from app.vocabulary import Kind


class Suggestion(Wire):
    """A record with a name that goes on like this."""

    id: str = said("Its id.", "liu-shaoqi")
    kind: Kind = said("Its kind.", "person")
    name: str = said("Its name.", "Liu Shaoqi")
    matched: str = said("The name that matches: this one, or an alias.", "Liu Shaoqi")
    ranges: list[TextRange] = said("What matches in `matched`, in code points.")
    hint: str = said("What it is, in a few words.", "person")
    url: str = said("Where it is.", "/v1/people/liu-shaoqi")


class Suggestions(Wire):
    """Records by the beginning of a word of their names."""

    items: list[Suggestion] = said("The best connected first.")
    revision: str = said("The revision of the data.", "3f1c0a9be772")


def suggest(connection: Connection, q: str, kinds: list[Kind], limit: int) -> Body:
    """The best connected records of which a name or alias has all words of `q`, the last of them perhaps unfinished;
    as `Suggestions` in JSON."""
    query = analysis.parse_name(q)
    items = ",".join([_suggestion(row, query) for row in index.named(connection, query, limit, kinds)])
    return Body(f'{{"items":[{items}],"revision":"{revision_read(connection)}"}}'.encode())


def _suggestion(row: Any, query: Query) -> str:
    """A `Suggestion` in JSON, from a row of the index."""
    _, hit, hint, fields, texts = row
    fixed = json.loads(f"{hit}}}")
    names = texts.split(SEPARATOR, fields.count(" ") + 1)
    count = sum(field in NAMES for field in fields.split(" "))
    marked = [(name, analysis.marks(name, query)) for name in names[:count]]
    matched, found = max(marked, key=lambda each: len({mark.part for mark in each[1]}))
    return dump(
        {"id": fixed["id"], "kind": fixed["kind"], "name": fixed["name"], "matched": matched,
         "ranges": [{"start": mark.start, "end": mark.end} for mark in found], "hint": hint, "url": fixed["url"]}
    )  # fmt: skip
