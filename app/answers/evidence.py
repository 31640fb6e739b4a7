"""Everything that the sources say about a record: who says it, in which stance, and in which words."""

import json
from typing import Any, Literal

from sqlalchemy import CompoundSelect, Connection, Row, Select, func, literal, or_, select, union

from app.db import revision_read
from app.models import citation, estimate, passage, quote, quote_subject, record, relation
from app.resources import RECORDS
from app.schemas import Ref, SectionInfo, Wire, said
from app.selection import missing
from app.vocabulary import Causality, Polarity, Stance

LIMIT = 1000
CONTEXT = 32
"""How many code points of the text stand before and after a quotation, where the text is held."""

Units = Literal["code_points", "utf16"]


class TextQuoteSelector(Wire):
    """W3C Web Annotation: the words, with some before and after to tell one place from another."""

    type: Literal["TextQuoteSelector"]
    exact: str = said("The span's words.", "Mao Zedong announced the Great Leap Forward")
    prefix: str = said("What stands before it; empty where the text is not held.", "")
    suffix: str = said("What stands after it; empty where the text is not held.", "")


class TextPositionSelector(Wire):
    """W3C Web Annotation: offsets into the source's text, in the `units` of this answer; `end` is exclusive."""

    type: Literal["TextPositionSelector"]
    start: int = said("Where the span begins.", 57)
    end: int = said("Where it ends.", 101)


class SpecificResource(Wire):
    """W3C Web Annotation: a part of a source."""

    type: Literal["SpecificResource"]
    source: str = said("The source.", "/v1/sources/hartnett-great-leap-forward")
    selector: list[TextQuoteSelector | TextPositionSelector] = said(
        "The same span each time: by its words, where these may be shown, and by its offsets."
    )


class Statement(Wire):
    """What is said: the record itself, a relation of it, an estimate of it, or a quotation by or about it."""

    type: Literal["record", "relation"] = said("A record or a relation.", "relation")
    id: str = said("Its id.", "mao-zedong.announced.great-leap-forward")
    text: str = said("The same in our own words.", "Mao Zedong announced Great Leap Forward")
    url: str = said("Where it is.", "/v1/relations/mao-zedong.announced.great-leap-forward")


class Evidence(Wire):
    """One place of a source, and the one thing that rests on it here."""

    statement: Statement = said("What is said.")
    stance: Stance = said("How it is said.", "asserted")
    attributed_to: Ref | None = said("The record that says it; null where the source names nobody.")
    polarity: Polarity = said("`negative` when the source denies it.", "positive")
    causality: Causality | None = said("For causes: stated in the text, or implied by it.", "explicit")
    source: Ref = said("The text.")
    section: SectionInfo = said("The section.")
    passage: str = said("The passage's id.", "hartnett-great-leap-forward-p2")
    citation: str = said("The citation's id.", "mao-zedong.hartnett-great-leap-forward.57-101")
    fragment: str = said("The fewest words that let a reader find it.", "Mao Zedong announced the Great Leap Forward")
    status: Literal["verified", "unverified"] = said("Whether the span was checked against the text.", "verified")
    target: SpecificResource = said("The place, as a Web Annotation's target.")


class EvidenceList(Wire):
    """The evidence for a record, in the order of the sources' texts."""

    record: Ref = said("What it is about.")
    units: Units = said("What the offsets count.", "code_points")
    items: list[Evidence] = said("The evidence.")
    total: int = said("How many there are.", 12)
    truncated: str | None = said("What was left out and how to get at it; null where it is all here.")
    revision: str = said("The revision of the data.", "3f1c0a9be772")


def evidence(connection: Connection, name: str, units: Units, stances: list[Stance]) -> EvidenceList:
    """The evidence for the record `name`. Raises Problem (404) when there is no such record."""
    subject = connection.execute(select(record.c.pk, record.c.document).where(record.c.id == name)).first()
    if subject is None:
        raise missing(connection, RECORDS, name)
    claim = func.coalesce(relation.c.document, record.c.document).label("claim")
    query = (
        select(
            citation.c.document, claim, passage.c.text, passage.c.start_offset, func.count().over().label("all"),
        )
        .join(passage, passage.c.pk == citation.c.passage)
        .outerjoin(relation, relation.c.pk == citation.c.relation)
        .outerjoin(record, record.c.pk == citation.c.record)
        .where(or_(citation.c.record.in_(_about(subject.pk)), citation.c.relation.in_(_touching(subject.pk))))
        .order_by(citation.c.source, citation.c.start_offset, citation.c.end_offset, citation.c.id)
        .limit(LIMIT)
    )  # fmt: skip
    if stances:
        query = query.where(func.coalesce(relation.c.stance, record.c.stance).in_(stances))
    own = json.loads(subject.document)
    rows = connection.execute(query).all()
    total = rows[0].all if rows else 0
    return EvidenceList(
        record=_ref(own),
        units=units,
        items=[_item(row, units) for row in rows],
        total=total,
        truncated=_cut(name, total) if total > LIMIT else None,
        revision=revision_read(connection),
    )


def _touching(pk: int) -> Select[Any]:
    """The relations that the record stands in."""
    return select(relation.c.pk).where(or_(relation.c.subject == pk, relation.c.object == pk))


def _about(pk: int) -> CompoundSelect[Any]:
    """The record, and those whose subject it is: estimates of it, what it said, and what was said about it."""
    return union(
        select(literal(pk)),
        select(estimate.c.pk).where(estimate.c.subject == pk),
        select(quote.c.pk).where(quote.c.speaker == pk),
        select(quote_subject.c.quote).where(quote_subject.c.record == pk),
    )


def _cut(name: str, total: int) -> str:
    lists = "citations?record", "estimates?subject", "quotes?about", "quotes?speaker"
    return f"Only the first {LIMIT} of {total}: see {', '.join(f'/v1/{each}={name}' for each in lists)}"


def _ref(document: dict[str, Any]) -> Ref:
    return Ref(id=document["id"], kind=document["kind"], name=document["name"], url=document["links"]["self"])


def _item(row: Row[Any], units: Units) -> Evidence:
    cited, claim = json.loads(row.document), json.loads(row.claim)
    is_relation = cited["target"]["type"] == "relation"
    text = _sentence(claim, cited["target"]["name"]) if is_relation else claim["summary"]
    return Evidence(
        statement=Statement(**{key: cited["target"][key] for key in ("type", "id", "url")}, text=text),
        **{key: claim[key] for key in ("stance", "attributed_to", "polarity")},
        causality=claim.get("causality"),
        **{key: cited[key] for key in ("source", "section", "passage", "fragment", "status")},
        citation=cited["id"],
        target=SpecificResource(
            type="SpecificResource", source=cited["source"]["url"], selector=_selectors(row, cited, units)
        ),
    )


def _sentence(claim: dict[str, Any], plain: str) -> str:
    """A relation as a sentence with the part played; what is denied says so."""
    role = f" ({claim['role']})" if claim["role"] else ""
    return f"{'Denied: ' if claim['polarity'] == 'negative' else ''}{plain}{role}"


def _selectors(row: Row[Any], cited: dict[str, Any], units: Units) -> list[TextQuoteSelector | TextPositionSelector]:
    prefix = "utf16_" if units == "utf16" else ""
    position = TextPositionSelector(
        type="TextPositionSelector", start=cited[f"{prefix}start"], end=cited[f"{prefix}end"]
    )
    if cited["exact"] is None:
        return [position]
    before = after = ""
    if row.text is not None:
        start, end = cited["start"] - row.start_offset, cited["end"] - row.start_offset
        before, after = row.text[max(0, start - CONTEXT) : start], row.text[end : end + CONTEXT]
    quote = TextQuoteSelector(type="TextQuoteSelector", exact=cited["exact"], prefix=before, suffix=after)
    return [quote, position]
