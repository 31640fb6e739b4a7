"""Names completed while they are typed."""

import json
from typing import Any

from sqlalchemy import Connection, select

from app import analysis, index
from app.analysis import Query
from app.answers.search import TextRange
from app.db import revision_read
from app.models import entry, record
from app.schemas import Wire, said
from app.vocabulary import Kind

LOOKED_AT = 10_000


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


def suggest(connection: Connection, q: str, kinds: list[Kind], limit: int) -> Suggestions:
    """The best connected records of which a name or alias has all words of `q`, the last of them perhaps unfinished."""
    query = analysis.parse_name(q)
    found = index.match(connection, query, names=True).limit(LOOKED_AT if kinds else limit).subquery()
    rows = select(record.c.document).select_from(found).join(entry, entry.c.pk == found.c.pk).join(record)
    if kinds:
        rows = rows.where(entry.c.kind.in_(kinds))
    documents = connection.execute(rows.order_by(found.c.pk).limit(limit)).scalars()
    return Suggestions(
        items=[_suggestion(json.loads(document), query) for document in documents],
        revision=revision_read(connection),
    )


def _suggestion(document: dict[str, Any], query: Query) -> Suggestion:
    names = [document["name"], *(alias["name"] for alias in document["aliases"])]
    marked = [(name, analysis.marks(name, query)) for name in names]
    matched, found = max(marked, key=lambda each: len({mark.part for mark in each[1]}))
    return Suggestion(
        id=document["id"], kind=document["kind"], name=document["name"], matched=matched,
        ranges=[TextRange(start=mark.start, end=mark.end) for mark in found],
        hint=_hint(document), url=document["links"]["self"],
    )  # fmt: skip


def _hint(document: dict[str, Any]) -> str:
    """Such as `policy (campaign)` or `event (announcement), In 1957`."""
    kind: str = document["kind"]
    sort = (document.get("type") or "").replace("_", " ")
    date, description = document.get("date"), document.get("description")
    hint = f"{kind} ({sort})" if sort not in ("", kind) else kind
    return ", ".join([hint, *([description] if description else []), *([date["text"]] if date else [])])
