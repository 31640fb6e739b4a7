"""Turn packs into rows: the columns that queries use, and each row's wire form rendered once."""

import json
from collections import Counter, defaultdict
from typing import Any

from app import dates, schemas, spans
from app.analysis import name_key
from app.pack import Pack, SourceText
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
from app.spans import Span
from app.vocabulary import KINDS, PLURALS, PREDICATES, Kind

Row = dict[str, Any]
Rows = dict[str, list[Row]]

_WIRE: dict[Kind, type[schemas.Base]] = {
    "event": schemas.Event,
    "person": schemas.Person,
    "policy": schemas.Policy,
    "estimate": schemas.Estimate,
    "organization": schemas.Organization,
    "place": schemas.Place,
    "quote": schemas.Quote,
    "source": schemas.Source,
}
_BOUNDS = ("earliest_start", "latest_start", "earliest_end", "latest_end")


def rows(packs: list[Pack]) -> Rows:
    """All rows of all tables but `revision`, keyed by table. Raises ValueError for an id that two packs share."""
    return _Renderer(packs).rows()


class _Renderer:
    def __init__(self, packs: list[Pack]) -> None:
        self.packs = packs
        self.records = sorted(((pack, *each) for pack in packs for each in pack.records), key=lambda e: _order(*e[1:]))
        relations = [(pack, relation) for pack in packs for relation in pack.relations]
        self.relations = sorted(relations, key=lambda each: (*_start(each[1]), each[1].key))
        self.pk = {entry.id: number for number, (_, _, entry) in enumerate(self.records, 1)}
        self.refs = {entry.id: _ref(kind, entry) for _, kind, entry in self.records}
        names = [entry.id for _, _, entry in self.records] + [relation.key for _, relation in self.relations]
        if twice := [name for name, number in Counter(names).items() if number > 1]:
            raise ValueError(f"more than one pack has the id {', '.join(twice)}")
        self.touching: dict[str, list[RelationEntry]] = defaultdict(list)
        for _, relation in relations:
            for end in dict.fromkeys((relation.subject, relation.object)):
                self.touching[end].append(relation)
        self.out: Rows = defaultdict(list)
        self.words: Counter[tuple[str, str]] = Counter()

    def rows(self) -> Rows:
        for pack, kind, entry in self.records:
            self.record(pack, kind, entry)
        for number, (pack, relation) in enumerate(self.relations, 1):
            self.relation(number, pack, relation)
        relation_pk = {relation.key: number for number, (_, relation) in enumerate(self.relations, 1)}
        for pack in self.packs:
            self.evidence(pack, relation_pk)
        self.number_evidence()
        self.out["word"] = [{"field": f, "word": w, "count": n} for (f, w), n in sorted(self.words.items())]
        return dict(self.out)

    def ref(self, name: str | None) -> Row | None:
        return self.refs[name] if name is not None else None

    def when(self, date: Date | None) -> tuple[Row, Row | None]:
        """A date's columns and its wire form."""
        if date is None:
            return dict.fromkeys((*_BOUNDS, "date_text", "edtf", "stated_start", "stated_end")), None
        columns: Row = {"date_text": date.text, "edtf": date.edtf, **dict.fromkeys(_BOUNDS)}
        columns |= {"stated_start": None, "stated_end": None}
        wire: Row = {"text": date.text, "edtf": date.edtf, "approximate": False, "uncertain": False, "bounds": None}
        wire |= {"days": None, "relative_to": self.ref(date.relative_to)}
        if (span := date.span()) is not None:
            days = {bound: getattr(span, bound) for bound in _BOUNDS}
            columns |= days | {"stated_start": span.stated_start, "stated_end": span.stated_end}
            wire |= {"approximate": span.approximate, "uncertain": span.uncertain, "days": days}
            wire["bounds"] = {bound: None if day is None else dates.iso(day) for bound, day in days.items()}
        return columns, wire

    def claim(self, pack: Pack, entry: RecordEntry | RelationEntry) -> tuple[Row, Row]:
        columns = {"stance": entry.stance, "polarity": entry.polarity}
        wire = columns | {"attributed_to": self.ref(entry.attributed_to), "citation_count": len(pack.cites(entry))}
        return columns | {"attributed_to": self.pk.get(entry.attributed_to or "")}, wire

    def record(self, pack: Pack, kind: Kind, entry: RecordEntry) -> None:
        number, url = self.pk[entry.id], self.refs[entry.id]["url"]
        dated, when = self.when(getattr(entry, "date", None))
        claimed, said = self.claim(pack, entry)
        wire: Row = {"id": entry.id, "kind": kind, "name": entry.name, "summary": entry.summary, **said}
        wire["aliases"] = [{"name": alias.name, "in_source": alias.in_source} for alias in entry.aliases]
        wire["relation_count"] = len(self.touching[entry.id])
        wire["links"] = {"self": url} | {n: f"/v1/{n}?record={entry.id}" for n in ("relations", "citations")}
        own, more = self.special(pack, entry, when)
        document = _rendered(_WIRE[kind], wire | more)
        self.out["record"].append(
            {"pk": number, "id": entry.id, "kind": kind, "name": entry.name, "name_key": name_key(entry.name),
             "summary": entry.summary, "document": document, **dated, **claimed}
        )  # fmt: skip
        self.out[kind].append({"pk": number, **own})
        for word in ("type", "measure", "unit"):
            if isinstance(own.get(word), str):
                self.words[f"{kind}.{word}", own[word]] += 1
        for alias in entry.aliases:
            row = {"record": number, "name": alias.name, "in_source": alias.in_source}
            self.out["alias"].append({"pk": len(self.out["alias"]) + 1, **row})
        if isinstance(entry, QuoteEntry):
            self.out["quote_subject"] += [{"quote": number, "record": self.pk[each]} for each in entry.about]

    def special(self, pack: Pack, entry: RecordEntry, when: Row | None) -> tuple[Row, Row]:
        """What only this kind has: its columns, and its part of the wire form."""
        own: Row
        more: Row
        match entry:
            case EventEntry():
                return {"type": entry.type}, {
                    "type": entry.type,
                    "date": when,
                    "involved": self.involved(entry.id),
                    "places": self.others(entry.id, "place"),
                    "policies": self.others(entry.id, "policy"),
                }
            case PersonEntry():
                own = {"name_known": entry.name_known}
                return own, own | {"description": entry.description, "offices": self.offices(entry.id)}
            case PolicyEntry():
                initiators = [
                    self.refs[relation.subject]
                    for relation in self.touching[entry.id]
                    if relation.object == entry.id and relation.predicate in ("initiated", "announced")
                ]
                unique = list({ref["id"]: ref for ref in initiators}.values())
                return {"type": entry.type}, {"type": entry.type, "date": when, "initiators": unique}
            case EstimateEntry():
                own = entry.model_dump(include={"type", "measure", "low", "high", "value", "unit", "approximate"})
                refs = {"subject": self.ref(entry.subject), "place": self.ref(entry.place)}
                more = {"hedge": entry.hedge, "duration": entry.duration, "date": when}
                keys = {"subject": self.pk[entry.subject], "place": self.pk.get(entry.place or "")}
                return own | keys, own | refs | more
            case OrganizationEntry():
                own = {"type": entry.type, "name_known": entry.name_known}
                return own, own
            case PlaceEntry():
                return {"type": entry.type}, {"type": entry.type}
            case QuoteEntry():
                own = {"form": entry.form, "text": entry.text}
                about = [self.refs[each] for each in entry.about]
                more = {"speaker": self.ref(entry.speaker), "about": about, "date": when}
                return own | {"speaker": self.pk.get(entry.speaker or "")}, own | more
            case SourceEntry():
                return {"type": entry.type}, _source(pack, entry)
        raise TypeError(f"no kind has entries of {type(entry).__name__}")

    def others(self, name: str, kind: Kind) -> list[Row]:
        ends = (end for relation in self.touching[name] for end in (relation.subject, relation.object) if end != name)
        return [self.refs[end] for end in dict.fromkeys(ends) if self.refs[end]["kind"] == kind]

    def involved(self, name: str) -> list[Row]:
        found = []
        for relation in self.touching[name]:
            first = relation.object == name
            other = self.refs[relation.subject if first else relation.object]
            if other["kind"] in ("person", "organization"):
                found.append(
                    {"record": other, "predicate": relation.predicate, "end": "subject" if first else "object",
                     "role": relation.role, "stance": relation.stance, "polarity": relation.polarity,
                     "relation": relation.key}
                )  # fmt: skip
        return found

    def offices(self, name: str) -> list[Row]:
        return [
            {"organization": self.refs[relation.object], "role": relation.role, "date": self.when(relation.date)[1],
             "relation": relation.key}
            for relation in self.touching[name]
            if relation.predicate == "held_office" and relation.subject == name
        ]  # fmt: skip

    def relation(self, number: int, pack: Pack, entry: RelationEntry) -> None:
        dated, when = self.when(entry.date)
        claimed, said = self.claim(pack, entry)
        term, url = PREDICATES[entry.predicate], f"/v1/relations/{entry.key}"
        own = {"predicate": entry.predicate, "role": entry.role, "causality": entry.causality}
        wire: Row = {
            "id": entry.key,
            "subject": self.ref(entry.subject),
            "object": self.ref(entry.object),
            **own,
            **said,
        }
        wire |= {"label": term.label, "inverse_label": term.inverse, "note": entry.note, "date": when}
        wire["links"] = {"self": url, "citations": f"/v1/citations?relation={entry.key}"}
        document = _rendered(schemas.Relation, wire)
        ends = {"subject": self.pk[entry.subject], "object": self.pk[entry.object]}
        self.out["relation"].append(
            {"pk": number, "id": entry.key, **ends, **own, "document": document, **dated, **claimed}
        )

    def evidence(self, pack: Pack, relation_pk: dict[str, int]) -> None:
        """A pack's passages and citations."""
        places: dict[tuple[str, int], list[Row]] = defaultdict(list)
        cited: list[tuple[Row, str, int]] = []
        for name, entry in pack.claims():
            is_relation = isinstance(entry, RelationEntry)
            target: Row = {"type": "relation" if is_relation else "record", "id": name, "name": self.said(entry)}
            target["url"] = f"/v1/relations/{name}" if is_relation else self.refs[name]["url"]
            own = {"relation": relation_pk[name]} if is_relation else {"record": self.pk[name]}
            for cite in pack.cites(entry):
                row, index = self.citation(pack, cite, target)
                cited.append(({"record": None, "relation": None} | own | row, pack.source_of(cite), index))
                places[pack.source_of(cite), index].append(row)
        numbers = self.passages(pack, places)
        for row, source, index in cited:
            wire = _rendered(schemas.Citation, row.pop("wire"))
            self.out["citation"].append(row | {"passage": numbers[source, index], "document": wire})

    def number_evidence(self) -> None:
        """Passages and citations are numbered as they stand in the texts."""
        for name in ("passage", "citation"):
            self.out[name].sort(key=lambda row: (row["start_offset"], row["id"]))
        passages = {row["pk"]: number for number, row in enumerate(self.out["passage"], 1)}
        for row in self.out["passage"]:
            row["pk"] = passages[row["pk"]]
        for number, row in enumerate(self.out["citation"], 1):
            row |= {"pk": number, "passage": passages[row["passage"]]}

    def said(self, entry: RecordEntry | RelationEntry) -> str:
        """A record's name, or a relation in words."""
        if isinstance(entry, RecordEntry):
            return entry.name
        ends = self.refs[entry.subject]["name"], self.refs[entry.object]["name"]
        return f"{ends[0]} {PREDICATES[entry.predicate].label} {ends[1]}"

    def citation(self, pack: Pack, cite: Cite, target: Row) -> tuple[Row, int]:
        name, span = pack.source_of(cite), pack.spans[pack.span_key(cite)]
        source = pack.sources[name]
        index = _passage_of(source, span)
        key = f"{target['id']}.{name}.{span.start}-{span.end}"
        section = source.passages[index].section
        status = "unverified" if source.text is None else "verified"
        wire: Row = {"id": key, "target": target, "source": self.refs[name], "passage": f"{name}-p{index + 1}"}
        wire["url"] = f"/v1/citations/{key}"
        wire |= {"section": _section(source, section), "paragraph": index + 1, **span._asdict()}
        wire |= {"utf16_start": source.utf16(span.start), "utf16_end": source.utf16(span.end), "status": status}
        exact = spans.exact(cite.fragment, span.sha256) if cite.phrase else None
        wire["fragment"] = exact or cite.fragment
        wire["exact"] = exact if source.text is None else source.text[span.start : span.end]
        columns = {"id": key, "source": self.pk[name], "section": section, "status": status}
        return columns | {"start_offset": span.start, "end_offset": span.end, "wire": wire}, index

    def passages(self, pack: Pack, places: dict[tuple[str, int], list[Row]]) -> dict[tuple[str, int], int]:
        numbers: dict[tuple[str, int], int] = {}
        for name, source in pack.sources.items():
            for index, passage in enumerate(source.passages):
                anchors = sorted(
                    (row["wire"] for row in places[name, index]), key=lambda w: (w["start"], w["end"], w["id"])
                )
                text = None if source.text is None else source.text[passage.start : passage.end]
                key = f"{name}-p{index + 1}"
                wire: Row = {"id": key, "source": self.refs[name], "section": _section(source, passage.section)}
                wire |= {"paragraph": index + 1, "start": passage.start, "end": passage.end, "sha256": passage.sha256}
                wire |= {"text_available": text is not None, "text": text, "url": f"/v1/passages/{key}"}
                wire["sentences"] = [
                    {
                        "start": a - passage.start,
                        "end": b - passage.start,
                        "cited": any(w["start"] < b and a < w["end"] for w in anchors),
                    }
                    for a, b in passage.sentences
                ]
                wire["anchors"] = [_anchor(w, passage.start, source.utf16(passage.start)) for w in anchors]
                numbers[name, index] = number = len(self.out["passage"]) + 1
                document = _rendered(schemas.Passage, wire)
                columns = {"pk": number, "id": key, "source": self.pk[name], "section": passage.section}
                columns |= {"start_offset": passage.start, "end_offset": passage.end}
                self.out["passage"].append(columns | {"text": text, "document": document})
                self.words["section", passage.section] += 1
        return numbers


def _order(kind: Kind, entry: RecordEntry) -> tuple[Any, ...]:
    """Where a record stands among all: a kind's records are in the default order of their list."""
    own = _start(entry) if hasattr(entry, "date") else (name_key(entry.name),)
    return KINDS.index(kind), *own, entry.id


def _start(entry: RecordEntry | RelationEntry) -> tuple[bool, int]:
    """What begins earlier comes first, and what is undated last."""
    date: Date | None = getattr(entry, "date", None)
    span = date.span() if date else None
    return span is None, span.stated_start if span else 0


def _rendered(wire: type[schemas.Wire], body: Row) -> str:
    """A document: validated, so that its shape is the documented one, and encoded for good."""
    shaped = schemas.in_reading_order(wire.model_validate(body).model_dump(mode="json"))
    return json.dumps(shaped, ensure_ascii=False, separators=(",", ":"))


def _ref(kind: Kind, entry: RecordEntry) -> Row:
    return {"id": entry.id, "kind": kind, "name": entry.name, "url": f"/v1/{PLURALS[kind]}/{entry.id}"}


def _section(source: SourceText, name: str) -> Row:
    return next(section._asdict() for section in source.sections if section.id == name)


def _anchor(citation: Row, start: int, utf16_start: int) -> Row:
    """A citation's place counted from its passage's beginning."""
    places = {name: citation[name] - start for name in ("start", "end")}
    places |= {name: citation[name] - utf16_start for name in ("utf16_start", "utf16_end")}
    return {"citation": citation["id"], "target": citation["target"], **places}


def _passage_of(source: SourceText, span: Span) -> int:
    return next(i for i, p in enumerate(source.passages) if p.start <= span.start and span.end <= p.end)


def _source(pack: Pack, entry: SourceEntry) -> Row:
    text = pack.sources[entry.id]
    sentences = sum(len(passage.sentences) for passage in text.passages)
    uncited = sum(1 for source, _ in pack.uncited() if source == entry.id)
    names = {"type", "title", "author", "affiliation", "publisher", "series", "language", "licence"}
    return entry.model_dump(include=names) | {
        "text_available": text.text is not None,
        "sha256": text.sha256,
        "length": text.length,
        "sections": [section._asdict() for section in text.sections],
        "sentence_count": sentences,
        "cited_sentence_count": sentences - uncited,
    }


def about(packs: list[Pack], revision: str, version: str, out: Rows) -> str:
    """The document of `/v1`."""
    kinds = Counter(row["kind"] for row in out["record"])
    counts = {plural: kinds[kind] for kind, plural in PLURALS.items()}
    counts |= {f"{name}s": len(out.get(name, [])) for name in ("relation", "citation", "passage")}
    links = {name: f"/v1/{name}" for name in [*PLURALS.values(), "records", "relations", "citations", "passages"]}
    asking = ("search", "suggest", "timeline", "paths", "quality", "export")
    links |= {name: f"/v1/{name}" for name in asking} | {"compare": "/v1/estimates/compare"}
    links |= {"documentation": "/docs", "openapi": "/openapi.json"}
    shown = {"id", "title", "description", "licence", "licence_url", "citation"}
    return schemas.About(
        name="Fasti", version=version, revision=revision, counts=counts, links=links,
        knowledge_bases=[schemas.Overview(**pack.about.model_dump(include=shown)) for pack in packs],
    ).model_dump_json()  # fmt: skip
