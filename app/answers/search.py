"""One search over records, relations and passages: what matches, where in it, and in which words of the sources."""

import json
import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple

from rapidfuzz.distance import OSA
from sqlalchemy import ColumnElement, Connection, exists, func, or_, select, union_all

from app import analysis, index
from app.analysis import Mark, Part, Query, Token
from app.cursors import seal, unseal
from app.db import revision_read
from app.errors import Fault, wrong
from app.models import citation, entry, passage, record, relation, term
from app.schemas import Facet, FacetValue, Ref, Wire, said
from app.selection import Plan, keys_for, known_words, within
from app.vocabulary import KINDS, Causality, Kind, Polarity, Stance

RANKED, COUNTED, LOOKED_AT = 300, 10_000, 50_000
SPANS, CITATIONS = 5, 2_000
CANDIDATES = 400

SearchKind = Literal[Kind, "relation", "passage"]
Cut = Literal["items", "facets"]
Link = Callable[[dict[str, str]], str]


class TextRange(Wire):
    """Code points `start` to `end` (exclusive) of the `text` beside it."""

    start: int = said("The first one.", 15)
    end: int = said("The one after the last.", 23)


class SearchMatch(Wire):
    """A field that matched, cut to the stretch that shows the most of what was looked for."""

    field: str = said("Which field: `name`, `alias`, `summary`, `text` and so on.", "name")
    text: str = said("Its words, plain and unescaped.", "Backyard blast furnaces")
    start: int = said("Where `text` begins in the whole field, in code points.", 0)
    cut_before: bool = said("Something stands before it.", False)
    cut_after: bool = said("Something follows it.", False)
    ranges: list[TextRange] = said("What matched in it.")


class SearchSpan(Wire):
    """A place in a source that matched: a citation, or a sentence of a passage."""

    type: Literal["citation", "passage"] = said("What the place is.", "citation")
    id: str = said("The citation's or the passage's id.")
    url: str = said("Where it is.")
    source: Ref = said("The text.")
    start: int = said("Where the place begins in the source, in code points.", 3575)
    end: int = said("Where it ends.", 3605)
    text: str = said(
        "The words there; those that let it be found, where the text is not held.", "backyard blast furnaces"
    )
    ranges: list[TextRange] = said("What matched in `text`.")


class SearchHit(Wire):
    """Something that matches, and why."""

    id: str = said("Its id.", "backyard-furnaces")
    kind: SearchKind = said("A kind of record, `relation` or `passage`.", "event")
    name: str = said("Its name; a relation and a passage in words.", "Backyard blast furnaces")
    summary: str | None = said("In our own words; null for a passage.")
    url: str = said("Where it is.", "/v1/events/backyard-furnaces")
    date: str | None = said("When, in the source's words.", "In 1957")
    stance: Stance | None = said("How it is said; null for a passage.", "asserted")
    attributed_to: Ref | None = said("The record that says it; null where the source names nobody.")
    polarity: Polarity | None = said("`negative` when the source denies it; null for a passage.", "positive")
    causality: Causality | None = said("For a relation that is a cause: stated in the text, or implied by it.")
    matches: list[SearchMatch] = said("Where in it.")
    spans: list[SearchSpan] = said(f"The places in the sources that matched, the best {SPANS}.")


class Correction(Wire):
    """A search that finds something where yours found nothing: with words like yours, or with fewer of them."""

    q: str = said("What to look for.", "Khrushchev")
    url: str = said("The search.", "/v1/search?q=Khrushchev")


class SearchPage(Wire):
    items: list[SearchHit] = said("What matches, the most relevant first.")
    facets: dict[str, Facet] = said("One facet, `kind`: what matches of each, whatever `kind` says.")
    did_you_mean: Correction | None = said("Only when nothing matches: what would.")
    unknown_words: list[str] = said("When nothing matches: those of your words that occur nowhere.")
    truncated: list[Cut] = said(
        f"What a bound cut off: `items`, when more match than are ranked ({RANKED}, as many by name, and all of this "
        f"very name); `facets`, when the counts stopped, at {COUNTED:,} or after a look at {LOOKED_AT:,}. Then use "
        "more words."
    )
    total: int | None = said("How many match in all; null unless `total=true`.", 4)
    next: str | None = said("The next page's full URL; null on the last page.")
    revision: str = said("The revision of the data.", "3f1c0a9be772")


class _Matches(NamedTuple):
    """Entries that match, as (pk, kind), the best connected first; `cut` when these may not be all."""

    rows: list[Any]
    cut: bool

    def only(self, kinds: list[str]) -> "_Matches":
        return self._replace(rows=[row for row in self.rows if row.kind in kinds]) if kinds else self


def search(connection: Connection, q: str, plan: Plan, link: Link) -> SearchPage:
    """What matches `q`; `link` makes the search's URL with some parameters changed.

    Raises Problem for an unknown id or word, and for a cursor of another search.

    Names before anything else, then by how rare a word is and where it stands, then the best connected first.
    """
    query, kinds = analysis.parse(q), plan.filters.get("kind", [])
    conditions = _conditions(connection, plan)
    every = _matches(connection, query, conditions, COUNTED)
    conditions += [entry.c.kind.in_(kinds)] if kinds else []
    chosen = _matches(connection, query, conditions, COUNTED) if kinds and every.cut else every.only(kinds)
    ranked = _ranked(connection, q, query, conditions, chosen)
    signature = plan.signature(f"search {q}")
    first = bisect_right(ranked, _place(signature, plan.cursor))
    last = first + plan.limit
    unknown, better = ([], None) if chosen.rows else _corrected(connection, q, query, conditions)
    return SearchPage(
        items=_hits(connection, query, [rank.pk for rank in ranked[first:last]]),
        facets={"kind": _by_kind(every, link)},
        did_you_mean=None if better is None else Correction(q=better, url=link({"q": better})),
        unknown_words=unknown,
        truncated=_cut(items=chosen.cut or len(chosen.rows) > len(ranked), facets=every.cut),
        total=len(chosen.rows) if plan.total else None,
        next=seal(signature, list(ranked[last - 1])) if last < len(ranked) else None,
        revision=revision_read(connection),
    )


def _by_kind(every: _Matches, link: Link) -> Facet:
    counts = Counter(row.kind for row in every.rows)
    most_first = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    values = [FacetValue(value=kind, label=kind, count=n, url=link({"kind": kind})) for kind, n in most_first]
    return Facet(values=values, others=0, truncated=every.cut)


def _cut(**cut: bool) -> list[Any]:
    return [name for name, is_so in cut.items() if is_so]


class _Rank(NamedTuple):
    """Where a hit stands in the order of relevance: the smaller, the better."""

    tier: int
    score: int
    pk: int


def _place(signature: str, cursor: str | None) -> _Rank:
    if cursor is None:
        return _Rank(-1, 0, 0)
    return _Rank(*unseal(signature, cursor, lambda values: len(values) == 3 and all(type(n) is int for n in values)))


def first_cursor(q: str) -> str:
    """A cursor that stands before everything, for the documentation's example."""
    return seal(Plan({}, [], 0).signature(f"search {q}"), [-1, 0, 0])


def _conditions(connection: Connection, plan: Plan) -> list[ColumnElement[bool]]:
    """The filters but `kind`. Each looks at one entry at a time, so that a search may stop early."""
    faults: list[Fault] = []
    found: list[ColumnElement[bool]] = []
    if stances := plan.filters.get("stance"):
        found.append(_claims(lambda table: [table.c.stance.in_(stances)]))
    if sources := plan.filters.get("source"):
        keys = keys_for(connection, "source", record, "source", sources, faults)
        found.append(_stands(lambda table: table.c.source.in_(keys)))
    if sections := plan.filters.get("section"):
        known_words(connection, "section", "section", sections, faults)
        found.append(_stands(lambda table: table.c.section.in_(sections)))
    if faults:
        raise wrong(*faults)
    if within(record, plan):
        found.append(_claims(lambda table: [each.condition for each in within(table, plan)]))
    return found


def _claims(conditions: Any) -> ColumnElement[bool]:
    """The record or relation that an entry is of meets conditions; a passage claims nothing."""
    pairs = ((record, entry.c.record), (relation, entry.c.relation))
    return or_(*(_exists(table.c.pk == own, *conditions(table)) for table, own in pairs))


def _stands(condition: Any) -> ColumnElement[bool]:
    """An entry's passage, or a citation of its record or relation, meets a condition."""
    pairs = ((citation.c.record, entry.c.record), (citation.c.relation, entry.c.relation))
    cited = (_exists(column == own, condition(citation)) for column, own in pairs)
    return or_(*cited, _exists(passage.c.pk == entry.c.passage, condition(passage)))


def _exists(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(*conditions).correlate(entry)


def _matches(
    connection: Connection, query: Query, conditions: list[ColumnElement[bool]], most: int, *, names: bool = False
) -> _Matches:
    """What matches and meets the conditions, as far as a look at `LOOKED_AT` matches tells, and `most` at most."""
    seen = index.match(connection, query, names=names).limit(LOOKED_AT if conditions else most + 1).subquery()
    found = select(entry.c.pk, entry.c.kind).join(seen, seen.c.pk == entry.c.pk).where(*conditions)
    rows = list(connection.execute(found.order_by(entry.c.pk).limit(most + 1)).all())
    cut = len(rows) > most
    if conditions and not cut:
        cut = connection.execute(select(func.count()).select_from(seen)).scalar_one() == LOOKED_AT
    return _Matches(rows[:most], cut)


def _ranked(
    connection: Connection, q: str, query: Query, conditions: list[ColumnElement[bool]], chosen: _Matches
) -> list[_Rank]:
    """The best connected of all that match, of what matches by its names, and of this name, in order of relevance."""
    keys = [row.pk for row in chosen.rows[:RANKED]]
    if len(chosen.rows) > RANKED:
        keys += [row.pk for row in _matches(connection, query, conditions, RANKED, names=True).rows]
        named = (record.c.kind.in_(KINDS), record.c.name_key == analysis.name_key(q))
        known = select(entry.c.pk).join(record, record.c.pk == entry.c.record).where(*named, *conditions)
        keys = list({*keys, *connection.execute(known.order_by(entry.c.pk).limit(RANKED)).scalars()})
    rarities = _rarities(connection, query)
    return sorted(_Rank(*_relevance(row, query, rarities), row.pk) for row in index.words(connection, keys))


def _rarities(connection: Connection, query: Query) -> list[float]:
    """What each part of the query weighs: the fewer entries have its words, the more."""
    stems = {analysis.stem(word) for part in query.parts for word in part.words}
    counted = select(term.c.stem, func.sum(term.c.count)).where(term.c.stem.in_(stems)).group_by(term.c.stem)
    counts = {row[0]: int(row[1]) for row in connection.execute(counted)}
    size = connection.execute(select(func.max(entry.c.pk))).scalar_one()
    return [
        sum(math.log(1 + size / (1 + counts.get(analysis.stem(word), 0))) for word in part.words)
        for part in query.parts
    ]


def _relevance(row: Any, query: Query, rarities: list[float]) -> tuple[int, int]:
    """Which tier a row is in, and a score within it; the smaller, the better."""
    names, body = f" {row.names} ", f" {row.body} "
    name_stems, body_stems = f" {row.name_stems} ", f" {row.body_stems} "
    in_name = [_closeness(part, names, name_stems) for part in query.parts]
    in_body = [_closeness(part, body, body_stems) for part in query.parts]
    score = sum(rarity * (2 * a + b) for rarity, a, b in zip(rarities, in_name, in_body, strict=True))
    return _tier(names, body, query, all(in_name)), -round(100 * score)


def _closeness(part: Part, words: str, stems: str) -> int:
    """How well a part is met: as it is written, in another inflection, by a longer word, or not at all."""
    written = " ".join(part.words)
    if f" {written} " in words:
        return 4
    if part.stem is not None and f" {part.stem} " in stems:
        return 3
    return 1 if part.prefix and f" {written}" in words else 0


def _tier(names: str, body: str, query: Query, named: bool) -> int:
    """0 the very name, 1 the beginning of one, 2 all in the names, 3 the very words elsewhere, 4 any other match."""
    written = " ".join(token.word for token in query.tokens).removeprefix("the ")
    starts = [name.strip().removeprefix("the ") for name in names.split("|")]
    if written in starts:
        return 0
    if any(f"{name} ".startswith(f"{written} ") for name in starts):
        return 1
    if named:
        return 2
    return 3 if len(query.tokens) > 1 and f" {written} " in body else 4


def _hits(connection: Connection, query: Query, keys: list[int]) -> list[SearchHit]:
    found = {row.pk: row for row in connection.execute(select(entry).where(entry.c.pk.in_(keys)))}
    rows = [found[key] for key in keys]
    documents: dict[tuple[str, int], dict[str, Any]] = {}
    for table in (record, relation, passage):
        own = [key for row in rows if (key := getattr(row, table.name)) is not None]
        stored = connection.execute(select(table.c.pk, table.c.document).where(table.c.pk.in_(own))) if own else ()
        documents |= {(table.name, pk): json.loads(document) for pk, document in stored}
    cited = _citations(connection, list(documents))
    hits = []
    for row in rows:
        place = next((name, key) for name in _PLACES if (key := getattr(row, name)) is not None)
        hits.append(_hit(row.kind, documents[place], cited[place], query))
    return hits


def _citations(connection: Connection, keys: list[tuple[str, int]]) -> dict[tuple[str, int], list[dict[str, Any]]]:
    found: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    own = [column.in_([key for name, key in keys if name == column.name]) for column in _OF_CITATION]
    query = select(*_OF_CITATION, citation.c.document).where(or_(*own))
    for row in connection.execute(query.order_by(citation.c.start_offset, citation.c.id).limit(CITATIONS)):
        key = ("record", row.record) if row.record is not None else ("relation", row.relation)
        found[key].append(json.loads(row.document))
    return found


_OF_CITATION = (citation.c.record, citation.c.relation)
_PLACES = ("record", "relation", "passage")


def _hit(kind: Any, document: dict[str, Any], cited: list[dict[str, Any]], query: Query) -> SearchHit:
    date = document.get("date")
    is_passage = kind == "passage"
    names = {
        "passage": lambda: f"{document['source']['name']}, paragraph {document['paragraph']}",
        "relation": lambda: index.label(document),
    }
    return SearchHit(
        id=document["id"],
        kind=kind,
        name=names[kind]() if kind in names else document["name"],
        summary=document["note"] if kind == "relation" else document.get("summary"),
        url=document["url"] if is_passage else document["links"]["self"],
        date=date["text"] if date else None,
        stance=document.get("stance"),
        attributed_to=document.get("attributed_to"),
        polarity=document.get("polarity"),
        causality=document.get("causality"),
        matches=[match for name, text in index.fields(document) if (match := _match(name, text, query))],
        spans=_spans(_sentences(document) if is_passage else _cited(cited), query),
    )


def _match(name: str, text: str, query: Query) -> SearchMatch | None:
    found = analysis.marks(text, query)
    if not found:
        return None
    start, end = analysis.snippet(text, found)
    ranges = _ranges([mark for mark in found if start <= mark.start and mark.end <= end], start)
    return SearchMatch(
        field=name, text=text[start:end], start=start, cut_before=start > 0, cut_after=end < len(text), ranges=ranges
    )


def _ranges(found: Iterable[Mark], start: int = 0) -> list[TextRange]:
    return [TextRange(start=mark.start - start, end=mark.end - start) for mark in found]


def _cited(cited: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for each in cited:
        place = {key: each[key] for key in ("id", "source", "start", "end")}
        yield {"type": "citation", "url": f"/v1/citations/{each['id']}", "text": index.words_of(each), **place}


def _sentences(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    own = {"type": "passage", "id": document["id"], "url": document["url"], "source": document["source"]}
    begin: int = document["start"]
    for each in document["sentences"]:
        start, end = each["start"], each["end"]
        yield {**own, "start": begin + start, "end": begin + end, "text": document["text"][start:end]}


def _spans(places: Iterable[dict[str, Any]], query: Query) -> list[SearchSpan]:
    found = [(place, marked) for place in places if (marked := analysis.marks(place["text"], query))]
    found.sort(key=lambda each: -len({mark.part for mark in each[1]}))
    return [SearchSpan(**place, ranges=_ranges(marked)) for place, marked in found[:SPANS]]


def _corrected(
    connection: Connection, q: str, query: Query, conditions: list[ColumnElement[bool]]
) -> tuple[list[str], str | None]:
    """The words that occur nowhere; and the query with their likes, or else without a word, if that finds something."""
    unknown = [token for token in query.tokens if not _occurs(connection, token, query)]
    mended = q
    for token in reversed(unknown):
        like = _like(connection, token.word)
        mended = _without(mended, token) if like is None else mended[: token.start] + like + mended[token.end :]
    shorter = (_without(mended, token) for token in reversed(analysis.tokens(mended)))
    better = next((each for each in (mended, *shorter) if each != q and _finds(connection, each, conditions)), None)
    return list(dict.fromkeys(q[token.start : token.end] for token in unknown)), better


def _without(q: str, token: Token) -> str:
    following = next((each.start for each in analysis.tokens(q) if each.start >= token.end), len(q))
    return f"{q[: token.start]}{q[following:]}".strip()


def _finds(connection: Connection, q: str, conditions: list[ColumnElement[bool]]) -> bool:
    if not analysis.tokens(q) or len(q) > analysis.MAX_LENGTH:
        return False
    return bool(_matches(connection, analysis.parse(q), conditions, 1).rows)


def _occurs(connection: Connection, token: Token, query: Query) -> bool:
    own = or_(term.c.word == token.word, term.c.stem == analysis.stem(token.word))
    if any(part.prefix and part.words == (token.word,) for part in query.parts):
        own = or_(own, (term.c.word >= token.word) & (term.c.word < f"{token.word}~"))
    return connection.execute(select(term.c.pk).where(own).limit(1)).first() is not None


def _like(connection: Connection, word: str) -> str | None:
    """The word most like it, the more frequent of equals; among the most frequent of each length and initial."""
    size = len(word)
    shelves = [
        select(term.c.word, term.c.shown, term.c.pk)
        .where(term.c.initial == initial, term.c.length == length)
        .order_by(term.c.pk)
        .limit(CANDIDATES)
        .subquery()
        for initial in dict.fromkeys(word[:2])
        for length in range(max(2, size - 2), size + 3)
    ]
    rows = connection.execute(union_all(*(select(shelf) for shelf in shelves))).all()
    most = 0 if size < 3 else 1 if size < 5 else 2 if size < 9 else 3
    near = [(distance, row.pk, row.shown) for row in rows if (distance := OSA.distance(word, row.word)) <= most]
    return min(near)[2] if near else None
