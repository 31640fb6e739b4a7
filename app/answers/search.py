"""One search over records, relations and passages: what matches, where in it, and in which words of the sources."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from json.encoder import encode_basestring as _quoted
from typing import Any, Literal, NamedTuple

from rapidfuzz.distance import OSA
from sqlalchemy import ColumnElement, Connection, Select, exists, func, insert, literal, or_, select, union_all

from app import analysis, index
from app.analysis import Mark, Part, Query, Token
from app.cursors import seal, unseal
from app.db import revision_read
from app.encoding import dump
from app.entries import CITATIONS, SEPARATOR, id_of, kind_of
from app.errors import Fault, wrong
from app.index import Asked, Sought
from app.models import citation, entry, first_hit, passage, record, relation, stem, term
from app.queries import Body
from app.schemas import Facet, Ref, Wire, said
from app.selection import Plan, keys_for, known_words, within
from app.statements import given, statement
from app.vocabulary import Causality, Kind, Polarity, Stance

COUNTED, LOOKED_AT = 1_000, 10_000
MAX_HITS, COMMON = 50, 100
"""How many hits a page has at most. A word is common that more than so many entries have, and more than one in so many
of all."""

SPANS = 5
CANDIDATES = 400

SearchKind = Literal[Kind, "relation", "passage"]
Cut = Literal["items", "facets"]
Link = Callable[[dict[str, str]], str]


class _Ranked(NamedTuple):
    """A hit as it is answered, and the place that a cursor behind it stands at."""

    tier: int
    pk: int
    hit: str


_Filters = tuple[list[str], list[ColumnElement[bool]]]
"""The kinds that are wanted, and the conditions of the other filters."""


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
    spans: list[SearchSpan] = said(
        f"The places in the sources that matched, the best {SPANS} of the first {CITATIONS}."
    )


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
        f"What a bound cut off: `facets`, when the counts of more than one word stopped at {COUNTED:,}; `items` and "
        f"`facets`, when more than {LOOKED_AT:,} have each of several words, or one beside another filter than `kind`, "
        "and only the best connected were looked at. Then use more words."
    )
    total: int | None = said("How many match in all; null unless `total=true`.", 4)
    next: str | None = said("The next page's full URL; null on the last page.")
    revision: str = said("The revision of the data.", "3f1c0a9be772")


class _Search(NamedTuple):
    """A search that may find something."""

    query: Query
    parts: list[Sought]
    every: Asked
    """Without the filter by kind, which the facet passes over."""
    chosen: Asked
    conditions: list[ColumnElement[bool]]
    starts: list[str] | None
    """How the words of each part begin; None for a query with a phrase."""


def search(connection: Connection, q: str, plan: Plan, link: Link) -> Body:
    """What matches `q`, as a `SearchPage` in JSON; `link` makes the search's URL with some parameters changed.

    Raises Problem for an unknown id or word, and for a cursor of another search.

    Names before anything else, then the rarest word in a name, then words that stand together; the best connected of
    each first.
    """
    signature = plan.signature(f"search {q}")
    place = _place(signature, plan.cursor)
    conditions = _conditions(connection, plan)
    kinds = plan.filters.get("kind", [])
    query = analysis.parse(q)
    wanted = _wanted(connection, query, kinds, conditions)
    found = _hits(connection, wanted, plan.limit, place) if wanted else []
    if wanted and not found and wanted.every.is_bound:
        # Rather slowly than not at all.
        wanted = _wanted(connection, query, kinds, conditions, everywhere=True)
        found = _hits(connection, wanted, plan.limit, place) if wanted else []
    tail = _found(connection, wanted, plan, link) if wanted else _nothing(plan)
    if not found and place == _FIRST:
        tail |= _corrections(connection, q, query, (kinds, conditions), link)
    cursor = seal(signature, list(found[plan.limit - 1][:2])) if len(found) > plan.limit else None
    tail |= {"next": None, "revision": revision_read(connection)}
    items = ",".join([each.hit for each in found[: plan.limit]])
    return Body(f'{{"items":[{items}],{dump(tail)[1:]}'.encode(), cursor)


_FIRST = (-1, 0)


def _place(signature: str, cursor: str | None) -> tuple[int, int]:
    """The tier and the key of the hit that a cursor stands behind."""
    if cursor is None:
        return _FIRST
    tier, pk = unseal(signature, cursor, lambda values: len(values) == 2 and all(type(n) is int for n in values))
    return tier, min(max(pk, 0), index.LAST)


def first_cursor(q: str) -> str:
    """A cursor that stands before everything, for the documentation's example."""
    return seal(Plan({}, [], 0).signature(f"search {q}"), list(_FIRST))


def _wanted(
    connection: Connection, query: Query, kinds: list[str], conditions: list[ColumnElement[bool]], *,
    everywhere: bool = False,
) -> _Search | None:  # fmt: skip
    """The search for a query; None where one of its words occurs nowhere."""
    parts = index.sought(connection, query)
    if parts is None:
        return None
    within = None if everywhere else _within(connection, parts, filtered=bool(conditions))
    every = Asked(connection, query, parts, within=within)
    chosen = Asked(connection, query, parts, kinds, within) if kinds else every
    resolved = query._replace(parts=[each.part for each in parts])
    starts = [each.start for each in parts] if all(len(part.words) == 1 for part in resolved.parts) else None
    return _Search(resolved, parts, every, chosen, conditions, starts)


def _within(connection: Connection, parts: list[Sought], *, filtered: bool) -> int | None:
    """To how many parts of the index a search must keep, lest it look at more than `LOOKED_AT` that have a word.

    All that have an only word match, and are at hand in their order, unless a filter passes some over.
    """
    rarest = min(each.entries for each in parts)
    if rarest <= LOOKED_AT or (len(parts) == 1 and not filtered):
        return None
    size = index.size(connection)
    return index.parts_of(LOOKED_AT / min(rarest, size), size)


def _hits(connection: Connection, wanted: _Search, limit: int, place: tuple[int, int]) -> list[_Ranked]:
    """The first hits behind a place: `limit`, and one more if there is, whose text nobody reads."""
    if place == _FIRST and _is_common(connection, wanted):
        return [_Ranked(*row) for row in _kept().rows(connection, stem=wanted.parts[0].part.stem, number=limit + 1)]
    rows = _rows(connection, wanted, limit + 1, place)
    return [_Ranked(row[0], row[1], _hit(row, wanted) if number < limit else "") for number, row in enumerate(rows)]


def _is_common(connection: Connection, wanted: _Search) -> bool:
    """Whether it is a search for nothing but one finished word that is common."""
    is_word = len(wanted.query.tokens) == len(wanted.parts) == 1 and wanted.parts[0].kinds and wanted.parts[0].part.stem
    is_all = wanted.chosen is wanted.every and not wanted.conditions
    return bool(is_word and is_all and wanted.parts[0].entries > _least(connection))


def _least(connection: Connection) -> int:
    """In how many entries a word is that is not quite common."""
    return max(MAX_HITS, index.size(connection) // COMMON)


@statement
def _kept() -> Select[Any]:
    kept = select(first_hit.c.tier, first_hit.c.entry, first_hit.c.hit).where(first_hit.c.stem == given("stem"))
    return kept.order_by(first_hit.c.number).limit(given("number"))


def fill(connection: Connection) -> None:
    """Write down what is found first by each common word, once all can be searched."""
    words = select(stem.c.stem, func.min(term.c.word)).join(term, term.c.stem == stem.c.stem)
    common = words.where(stem.c.count > _least(connection)).group_by(stem.c.stem).order_by(stem.c.stem)
    for each, word in connection.execute(common).all():
        # Any word of the stem will do, also one that is looked for otherwise when it stands alone, as `be` is: what is
        # found by `being` is found by the stem.
        wanted = _wanted(connection, Query([Part((word,), each)], [Token(word, 0, len(word))]), [], [])
        assert wanted is not None, each
        found = enumerate(_rows(connection, wanted, MAX_HITS + 1, _FIRST))
        rows = [
            {"stem": each, "number": number, "tier": row[0], "entry": row[1], "hit": _hit(row, wanted)}
            for number, row in found
        ]
        connection.execute(insert(first_hit), rows)


def _rows(connection: Connection, wanted: _Search, limit: int, place: tuple[int, int]) -> list[Any]:
    """The first hits behind a place: tier, pk, hit, fields, texts, places, plain."""
    tiers = [
        tier._replace(after=max(tier.after, place[1])) if tier.tier == place[0] else tier
        for tier in wanted.chosen.tiers()
        if tier.tier >= place[0]
    ]
    if not wanted.conditions:
        return index.hits(connection, tiers, limit)
    rows: list[Any] = []
    for tier in tiers:
        if len(rows) < limit:
            seen = index.keys(connection, tier, LOOKED_AT)
            found = select(literal(tier.tier), *(entry.c[name] for name in index.HIT))
            found = found.join(seen, seen.c.pk == entry.c.pk).where(*wanted.conditions).order_by(entry.c.pk)
            rows += connection.execute(found.limit(limit - len(rows))).all()
    return rows


def _found(connection: Connection, wanted: _Search, plan: Plan, link: Link) -> dict[str, Any]:
    """What a page says beside its items."""
    kinds = plan.filters.get("kind", [])
    counts, cut = _counted(connection, wanted, wanted.every)
    chosen = counts
    if kinds and cut and plan.total:
        chosen, _ = _counted(connection, wanted, wanted.chosen)
    bound = wanted.every.is_bound
    total = sum(count for kind, count in chosen.items() if not kinds or kind in kinds)
    return _nothing(plan) | {
        "facets": {"kind": _by_kind(counts, link) | {"truncated": bound or cut}},
        "truncated": [name for name, is_so in (("items", bound), ("facets", bound or cut)) if is_so],
        "total": total if plan.total else None,
    }


def _nothing(plan: Plan) -> dict[str, Any]:
    return {
        "facets": {"kind": {"values": [], "others": 0, "truncated": False}},
        "did_you_mean": None,
        "unknown_words": [],
        "truncated": [],
        "total": 0 if plan.total else None,
    }


def _counted(connection: Connection, wanted: _Search, asked: Asked) -> tuple[dict[str, int], bool]:
    """How many match of each kind, and whether the count stopped at `COUNTED`."""
    if len(wanted.parts) == 1 and wanted.parts[0].kinds and not wanted.conditions and wanted.parts[0].part.stem:
        known: dict[str, int] = json.loads(wanted.parts[0].kinds)
        return known, False
    if wanted.conditions:
        seen = index.keys(connection, asked.everything(), LOOKED_AT)
        each = select(entry.c.pk).join(seen, seen.c.pk == entry.c.pk).where(*wanted.conditions).order_by(entry.c.pk)
        counts: dict[str, int] = Counter(map(kind_of, connection.execute(each.limit(COUNTED + 1)).scalars()))
    else:
        counts = index.counts(connection, asked, COUNTED + 1)
    return counts, sum(counts.values()) > COUNTED


def _by_kind(counts: dict[str, int], link: Link) -> dict[str, Any]:
    most_first = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    # A URL is made once: that costs more than all the rest of a facet.
    url = link({"kind": _ANY}) if counts else ""
    values = [
        {"value": kind, "label": kind, "count": count, "url": url.replace(_ANY, kind)} for kind, count in most_first
    ]
    return {"values": values, "others": 0}


_ANY = "any-of-the-kinds-there-are"


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


def _hit(row: Any, wanted: _Search) -> str:
    """A `SearchHit` in JSON, from a row of the index."""
    _, pk, hit, fields, texts, places, plain = row
    names, each = fields.split(" "), texts.split(SEPARATOR)
    found = _marked(texts, each, plain, wanted)
    matches = [_match(name, each[place], found[place]) for place, name in enumerate(names) if place in found]
    spans = _spans(pk, hit, places, each, found, len(names)) if len(found) > len(matches) else []
    return f'{hit},"matches":[{",".join(matches)}],"spans":[{",".join(spans)}]}}'


def _marked(joined: str, texts: list[str], plain: bool, wanted: _Search) -> dict[int, list[Mark]]:
    """The marks in each of the texts that has any."""
    if not plain or wanted.starts is None:
        return {place: found for place, text in enumerate(texts) if (found := analysis.marks(text, wanted.query))}
    marks = analysis.plain_marks(joined, wanted.query, wanted.starts)
    marked: dict[int, list[Mark]] = {}
    place, start, end = 0, 0, len(texts[0])
    for mark in marks:
        while mark.start >= end:
            place, start = place + 1, end + 1
            end = start + len(texts[place])
        marked.setdefault(place, []).append(Mark(mark.start - start, mark.end - start, mark.part))
    return marked


def _match(name: str, text: str, found: list[Mark]) -> str:
    """A `SearchMatch` in JSON."""
    start, end = analysis.snippet(text, found)
    shown = [mark for mark in found if start <= mark.start and mark.end <= end] if end - start < len(text) else found
    before, after = "true" if start else "false", "true" if end < len(text) else "false"
    return (
        f'{{"field":"{name}","text":{_quoted(text[start:end])},"start":{start},"cut_before":{before},'
        f'"cut_after":{after},"ranges":[{_ranges(shown, start)}]}}'
    )


def _ranges(found: Iterable[Mark], start: int = 0) -> str:
    return ",".join([f'{{"start":{mark.start - start},"end":{mark.end - start}}}' for mark in found])


def _spans(pk: int, hit: str, places: str, texts: list[str], found: dict[int, list[Mark]], first: int) -> Iterator[str]:
    """The best `SearchSpan`s in JSON: those that show most of what was looked for, in the order of the text."""
    is_passage, own, source = kind_of(pk) == "passage", id_of(hit), ""
    shown = []
    for number, place in enumerate(places.split(SEPARATOR), first):
        start, end, *said = place.split(" ", 2)
        source = said[0] if said else source
        if number in found:
            shown.append((start, end, source, texts[number], found[number]))
    shown.sort(key=lambda each: -len({mark.part for mark in each[4]}))
    for start, end, source, text, marks in shown[:SPANS]:
        name = own if is_passage else f"{own}.{id_of(source)}.{start}-{end}"
        kind, url = ("passage", f"/v1/passages/{name}") if is_passage else ("citation", f"/v1/citations/{name}")
        yield (
            f'{{"type":"{kind}","id":"{name}","url":"{url}","source":{source},"start":{start},"end":{end},'
            f'"text":{_quoted(text)},"ranges":[{_ranges(marks)}]}}'
        )


def _corrections(connection: Connection, q: str, query: Query, filters: _Filters, link: Link) -> dict[str, Any]:
    unknown, better = _corrected(connection, q, query, filters)
    url = None if better is None else link({"q": better})
    return {"did_you_mean": None if better is None else {"q": better, "url": url}, "unknown_words": unknown}


def _corrected(connection: Connection, q: str, query: Query, filters: _Filters) -> tuple[list[str], str | None]:
    """The words that occur nowhere; and the query with their likes, or else without a word, if that finds something."""
    unknown = [token for token in query.tokens if not _occurs(connection, token, query)]
    mended = q
    for token in reversed(unknown):
        like = _like(connection, token)
        mended = _without(mended, token) if like is None else mended[: token.start] + like + mended[token.end :]
    shorter = (_without(mended, token) for token in reversed(analysis.tokens(mended)))
    better = next((each for each in (mended, *shorter) if each != q and _finds(connection, each, filters)), None)
    return list(dict.fromkeys(q[token.start : token.end] for token in unknown)), better


def _without(q: str, token: Token) -> str:
    following = next((each.start for each in analysis.tokens(q) if each.start >= token.end), len(q))
    return f"{q[: token.start]}{q[following:]}".strip(" -")


def _finds(connection: Connection, q: str, filters: _Filters) -> bool:
    if not analysis.tokens(q) or len(q) > analysis.MAX_LENGTH:
        return False
    wanted = _wanted(connection, analysis.parse(q), *filters, everywhere=True)
    return wanted is not None and bool(_rows(connection, wanted, 1, _FIRST))


def _occurs(connection: Connection, token: Token, query: Query) -> bool:
    loose = [part for part in query.parts if part.words == (token.word,)]
    return index.occurs(connection, loose[0] if loose else Part((token.word,), analysis.stem(token.word)))


def _like(connection: Connection, token: Token) -> str | None:
    """The word most like it, the more frequent of equals; among the most frequent of each length and initial. None that
    questions are put together with, and none that begins otherwise but by one slip.
    """
    word, size = token.word, len(token.word)
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
    # A sign of a writing without spaces is a word, and stands for more letters than it has.
    most = 0 if min(size, token.end - token.start) < 3 else 1 if size < 5 else 2 if size < 9 else 3
    near = [
        (distance, row.pk, row.shown)
        for row in rows
        if (distance := OSA.distance(word, row.word)) <= (most if row.word[0] == word[0] else min(most, 1))
        and not analysis.is_minor(row.word)
    ]
    return min(near)[2] if near else None
