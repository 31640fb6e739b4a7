"""Turn entries into rows: the columns that queries use, and each row's wire form rendered once.

A draft is what an entry says by itself. It is rendered when all are known, with what the others say of it.
"""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from app import dates, schemas
from app.analysis import name_key
from app.encoding import dump
from app.pack import Found
from app.packfile import (
    Cite,
    Date,
    EstimateEntry,
    EventEntry,
    OrganizationEntry,
    PersonEntry,
    PlaceEntry,
    PolicyEntry,
    QuoteEntry,
    RecordEntry,
    RelationEntry,
    SourceEntry,
)
from app.spans import FOLD
from app.staging import RELATION, packed
from app.vocabulary import KINDS, PLURALS, PREDICATES, Kind

Row = dict[str, Any]
KIND_OF: dict[str, Kind] = {plural: kind for kind, plural in PLURALS.items()}
_WIRE: dict[str, type[schemas.Wire]] = {
    "event": schemas.Event,
    "person": schemas.Person,
    "policy": schemas.Policy,
    "estimate": schemas.Estimate,
    "organization": schemas.Organization,
    "place": schemas.Place,
    "quote": schemas.Quote,
    "source": schemas.Source,
    "relation": schemas.Relation,
    "citation": schemas.Citation,
    "passage": schemas.Passage,
}
_BOUNDS = ("earliest_start", "latest_start", "earliest_end", "latest_end")
_NO_DATE = (None,) * (len(_BOUNDS) + 4)


class Draft(NamedTuple):
    """What staging keeps of an entry: its row of `claim`, and its own part of row and document."""

    claim: tuple[Any, ...]
    body: bytes
    about: list[str]


def draft(found: Found, seq: int, pack: int, path: str) -> Draft:
    entry = found.entry
    date: Date | None = getattr(entry, "date", None)
    columns, when = _when(date)
    said = (entry.stance, entry.polarity)
    relative_to = date.relative_to if date else None
    place: tuple[Any, ...]
    if isinstance(entry, RelationEntry):
        own, wire = _relation(entry, when)
        place = (RELATION, entry.key, None, columns[-2], None)
        ends: tuple[Any, ...] = (entry.subject, entry.object)
        named = entry.predicate
    else:
        kind = KIND_OF[found.section]
        own, wire = _record(kind, entry, when)
        order = None if hasattr(entry, "date") else name_key(entry.name)
        place = (KINDS.index(kind), entry.id, entry.name, columns[-2], order)
        ends, named = _ends(entry), None
    claim = (seq, pack, *place, entry.attributed_to, relative_to, *ends, path, found.line, named)
    about = entry.about if isinstance(entry, QuoteEntry) else []
    return Draft(claim, packed((columns, said, own, wire)), about)


def _ends(entry: RecordEntry) -> tuple[str | None, str | None]:
    """The two records that an entry may name by itself."""
    match entry:
        case EstimateEntry():
            return entry.subject, entry.place
        case QuoteEntry():
            return entry.speaker, None
    return None, None


def _when(date: Date | None) -> tuple[tuple[Any, ...], Row | None]:
    """A date's columns, and its wire form but for the record that it counts from."""
    if date is None:
        return _NO_DATE, None
    wire: Row = {"text": date.text, "edtf": date.edtf, "approximate": False, "uncertain": False, "bounds": None}
    wire |= {"days": None, "relative_to": None}
    if (span := date.span()) is None:
        return (date.text, date.edtf, *_NO_DATE[2:]), wire
    days = {bound: getattr(span, bound) for bound in _BOUNDS}
    wire |= {"approximate": span.approximate, "uncertain": span.uncertain, "days": days}
    wire["bounds"] = {bound: None if day is None else dates.iso(day) for bound, day in days.items()}
    return (date.text, date.edtf, *days.values(), span.stated_start, span.stated_end), wire


def _record(kind: Kind, entry: RecordEntry, when: Row | None) -> tuple[Row, Row]:
    own, more = _special(entry, when)
    wire: Row = {"id": entry.id, "kind": kind, "name": entry.name, "summary": entry.summary, **more}
    wire["aliases"] = [{"name": alias.name, "in_source": alias.in_source} for alias in entry.aliases]
    wire |= {"stance": entry.stance, "attributed_to": None, "polarity": entry.polarity}
    url = f"/v1/{PLURALS[kind]}/{entry.id}"
    wire["links"] = {"self": url} | {n: f"/v1/{n}?record={entry.id}" for n in ("relations", "citations")}
    return own, shaped(kind, wire | {"citation_count": 0, "relation_count": 0})


def _special(entry: RecordEntry, when: Row | None) -> tuple[Row, Row]:
    """What only this kind has: its columns, and its part of the wire form."""
    own: Row
    match entry:
        case EventEntry():
            return {"type": entry.type}, {
                "type": entry.type, "date": when, "involved": None, "places": None, "policies": None,
            }  # fmt: skip
        case PersonEntry():
            own = {"name_known": entry.name_known}
            return own, own | {"description": entry.description, "offices": None}
        case PolicyEntry():
            return {"type": entry.type}, {"type": entry.type, "date": when, "initiators": None}
        case EstimateEntry():
            names = ("type", "measure", "low", "high", "value", "unit", "approximate")
            own = {name: getattr(entry, name) for name in names}
            figures = {name: schemas.plain(own[name]) for name in ("low", "high", "value") if own[name] is not None}
            more = {"hedge": entry.hedge, "duration": entry.duration, "date": when}
            return own, own | figures | {"subject": None, "place": None} | more
        case OrganizationEntry():
            own = {"type": entry.type, "name_known": entry.name_known}
            return own, own
        case PlaceEntry():
            return {"type": entry.type}, {"type": entry.type}
        case QuoteEntry():
            own = {"form": entry.form, "text": entry.text}
            return own, own | {"speaker": None, "about": None, "date": when}
        case SourceEntry():
            said = ("type", "title", "author", "affiliation", "publisher", "series", "language", "licence")
            later = ("text_available", "sha256", "length", "sections", "sentence_count", "cited_sentence_count")
            return {"type": entry.type}, {name: getattr(entry, name) for name in said} | dict.fromkeys(later)
    raise TypeError(f"no kind has entries of {type(entry).__name__}")


def _relation(entry: RelationEntry, when: Row | None) -> tuple[Row, Row]:
    term = PREDICATES[entry.predicate]
    own = {"predicate": entry.predicate, "role": entry.role, "causality": entry.causality}
    wire: Row = {"id": entry.key, "subject": None, "object": None, **own, "date": when}
    wire |= {"label": term.label, "inverse_label": term.inverse, "note": entry.note}
    wire |= {"stance": entry.stance, "attributed_to": None, "polarity": entry.polarity, "citation_count": 0}
    wire["links"] = {"self": f"/v1/relations/{entry.key}", "citations": f"/v1/citations?relation={entry.key}"}
    return own, shaped("relation", wire)


@cache
def _keys(kind: str) -> list[str]:
    return list(schemas.in_reading_order(dict.fromkeys(_WIRE[kind].model_fields)))


def shaped(kind: str, body: Row) -> Row:
    """The body with the documented keys, and with no other, in the order in which they are read."""
    keys = _keys(kind)
    if len(body) != len(keys):
        raise TypeError(f"a {kind} has {sorted(keys)}, and not {sorted(body)}")
    return {key: body[key] for key in keys}


class Cites(NamedTuple):
    """Citations as staging keeps them: each fragment once, and of each claim which of them it cites."""

    fragments: list[tuple[Any, ...]]
    cites: list[tuple[Any, ...]]


class Gathered:
    """The citations of a chunk's entries."""

    def __init__(self) -> None:
        self.fragments: dict[tuple[Any, ...], int] = {}
        self.cites: list[tuple[Any, ...]] = []

    def add(self, seq: int, entry: RecordEntry | RelationEntry) -> None:
        for cite in entry.cite:
            self.cites.append((seq, self._fragment(cite), None, None))
        for alias in entry.aliases if isinstance(entry, RecordEntry) else ():
            for cite in alias.cite or ():
                self.cites.append((seq, self._fragment(cite), folded(alias.name), alias.name))

    def _fragment(self, cite: Cite) -> int:
        fragment = (cite.source or "", cite.phrase, cite.starts, cite.ends, cite.occurrence)
        return self.fragments.setdefault(fragment, len(self.fragments))

    def rows(self) -> Cites:
        return Cites([(each[0], packed(each[1:])) for each in self.fragments], self.cites)


def folded(text: str) -> str:
    return text.translate(FOLD).casefold()


def vocabulary(found: Found) -> Iterator[tuple[str, str]]:
    """The words of open vocabularies that a record uses, each with the name of its field."""
    for word in ("type", "measure", "unit") if found.section != "relations" else ():
        if isinstance(value := getattr(found.entry, word, None), str):
            yield f"{KIND_OF[found.section]}.{word}", value


def rendered(kind: str, body: Row, *, check: bool = False) -> str:
    """A document encoded for good; with `check`, it is first held against the documented shape, whole."""
    if check:
        found = _WIRE[kind].model_validate(body).model_dump(mode="json")
        if schemas.in_reading_order(found) != body:
            raise TypeError(f"a {kind} is not as documented: {body}")
    return dump(body)


def ref(name: str, kind: int, called: str) -> Row:
    """A record as others name it."""
    word = KINDS[kind]
    return {"id": name, "kind": word, "name": called, "url": f"/v1/{PLURALS[word]}/{name}"}


def about(bases: list[Row], revision: str, version: str, counts: Counter[str]) -> str:
    """The document of `/v1`."""
    shown = {plural: counts[kind] for kind, plural in PLURALS.items()}
    shown |= {f"{name}s": counts[name] for name in ("relation", "citation", "passage")}
    links = {name: f"/v1/{name}" for name in [*PLURALS.values(), "records", "relations", "citations", "passages"]}
    asking = ("search", "suggest", "timeline", "paths", "quality", "export")
    links |= {name: f"/v1/{name}" for name in asking} | {"compare": "/v1/estimates/compare"}
    links |= {"documentation": "/docs", "openapi": "/openapi.json"}
    return schemas.About(
        name="Fasti", version=version, revision=revision, counts=shown, links=links,
        knowledge_bases=[schemas.Overview(**each) for each in bases],
    ).model_dump_json()  # fmt: skip
