"""The full-text index: how it is filled with the tokens of entries, and how each database is asked. Both find the same
entries for the same query, in the same order.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from os.path import commonprefix
from typing import Any, NamedTuple

from sqlalchemy import Connection, Integer, column, text

from app.analysis import Part, Query, fold, is_minor, stem
from app.encoding import dump
from app.entries import ALL_KINDS, BEGINNING, KIND_BITS, LEADING, Entry, key, opening
from app.statements import ask

Row = dict[str, Any]
LAST = 2**31 - 1
ENDS = [2_048, 32_768, 524_288]
"""The index is in parts: each holds the entries up to such a place, the last one the rest. So what is found among the
best connected need not be looked for among all, and what is too much can be looked for among them only."""

NEAR = 2
"""In how many parts words that stand together come before others."""

COMPLETED, SHORTEST, SPELLED = 20, 3, 2_000


class Vocabulary:
    """The words that occur: in how many entries of which kinds, and as they are most often written."""

    def __init__(self) -> None:
        self.shapes: Counter[str] = Counter()
        self.entries: dict[str, Counter[str]] = defaultdict(Counter)
        self.twins: dict[str, Counter[str]] = defaultdict(Counter)
        """How often an entry has one more word of a stem that it has already, so that it is counted once."""

    def add(self, each: Entry) -> None:
        kind = each.row["kind"]
        self.shapes.update(each.shapes)
        self.entries[kind].update(each.words)
        if len(each.stems) < len(each.words):
            self.twins[kind].update((Counter(map(stem, each.words)) - Counter(each.stems)).elements())

    def merge(self, other: "Vocabulary") -> None:
        self.shapes.update(other.shapes)
        for ours, theirs in ((self.entries, other.entries), (self.twins, other.twins)):
            for kind, counts in theirs.items():
                ours[kind].update(counts)

    def stems(self) -> Iterator[tuple[Any, ...]]:
        """The rows of `stem`."""
        words, kinds = defaultdict[str, set[str]](set), defaultdict[str, dict[str, int]](dict)
        for kind, found in sorted(self.entries.items()):
            twins = self.twins[kind]
            for word, count in found.items():
                each = stem(word)
                words[each].add(word)
                kinds[each][kind] = kinds[each].get(kind, -twins[each]) + count
        for each, counts in sorted(kinds.items()):
            # Most stems are of a single word.
            [start, *more] = words[each]
            start = commonprefix([start, *more]) if more else start  # noqa: RUF071 these are words, not paths
            yield each, sum(counts.values()), dump(counts), start

    def terms(self) -> Iterator[tuple[Any, ...]]:
        """The rows of `term`."""
        counts = Counter[str]()
        for found in self.entries.values():
            counts.update(found)
        shown: dict[str, tuple[int, str]] = {}
        for shape, count in self.shapes.items():
            word = fold(shape)
            shown[word] = min(shown.get(word, (0, "")), (-count, shape))
        for number, (word, count) in enumerate(sorted(counts.items(), key=lambda item: (-item[1], item[0])), 1):
            yield number, word, stem(word), word[0], len(word), shown[word][1], count


_TARGETS = ("record", "relation", "passage")
_KEPT = ("hit", "hint", "fields", "texts", "places", "plain")
ENTRY = ("pk", "kind", *_TARGETS, *_KEPT)
INDEX = ("rowid", "tokens")
STEM = ("stem", "count", "kinds", "start")
TERM = ("pk", "word", "stem", "initial", "length", "shown", "count")


def staged(each: Entry, table: str, pk: int) -> tuple[Any, ...]:
    """An entry as it waits until all are there, and can be put in order."""
    targets = (pk if name == table else None for name in _TARGETS)
    return each.row["kind"], *targets, *(each.row[name] for name in _KEPT), each.tokens


def rows(dialect: str, place: int, waiting: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The rows of `entry` and of its part of the index, of the entry that has this place among all."""
    *row, tokens = waiting
    number = key(place, row[0])
    return (number, *row), (number, tokens if dialect == "sqlite" else vector(tokens))


def settle(connection: Connection) -> None:
    """Have SQLite put the index in order at once."""
    for part in range(len(ENDS) + 1):
        connection.execute(text(f"INSERT INTO entry_index_{part} (entry_index_{part}) VALUES ('optimize')"))


def part_of(key: int) -> int:
    """The part of the index that an entry is in."""
    return bisect_left(ENDS, key >> KIND_BITS)


def vector(tokens: str) -> str:
    """Tokens as PostgreSQL takes them: a place for words, none for what follows them.

    A vector counts no further than 16,383: what stands beyond is found, though not as part of a phrase.
    """
    words, _, marks = tokens.rpartition(" | ")
    placed = [
        f"'{word}':{min(place, 16_383)}" for place, word in enumerate(words.split(" "), 1) if word not in ("", "|")
    ]
    unplaced = marks.replace(" ", "' '")
    return " ".join([*placed, f"'{unplaced}'"])


class Sought(NamedTuple):
    """A part of a query as the data knows it: in how many entries of which kinds, and how its words begin.

    An unfinished word has the most frequent of those that it may become.
    """

    part: Part
    entries: int
    start: str
    kinds: str | None = None
    words: tuple[str, ...] = ()


def sought(connection: Connection, query: Query) -> list[Sought] | None:
    """What each part of the query stands for; None when one of them occurs nowhere.

    A last word that occurs is taken to be finished, unless it is one that questions are put together with.
    """
    stems = list(dict.fromkeys(stem(word) for part in query.parts for word in part.words))
    given = {f"stem{place}": each for place, each in enumerate(stems)}
    rows = {row[0]: row for row in ask(connection, _stems(_speech(connection), len(stems)), given)}
    found = []
    for part in query.parts:
        own = [row for word in part.words if (row := rows.get(stem(word)))]
        if part.prefix and (not own or is_minor(part.words[0])):
            found.append(_unfinished(connection, part.words[0]))
        elif len(own) < len(part.words):
            return None
        else:
            rarest = min(own, key=lambda row: int(row[1]))
            found.append(Sought(part._replace(prefix=False), rarest[1], rarest[3], rarest[2]))
    return found


def occurs(connection: Connection, part: Part) -> bool:
    """Whether any word is what a part of a query asks for."""
    found = sought(connection, Query([part], []))
    return found is not None and bool(found[0].entries)


@lru_cache
def _stems(speech: "_Speech", number: int) -> str:
    given = ", ".join(speech.given.format(f"stem{place}") for place in range(number))
    return f"SELECT stem, count, kinds, start FROM stem WHERE stem IN ({given})"


def _unfinished(connection: Connection, word: str) -> Sought:
    part = Part((word,), prefix=True)
    if len(word) < SHORTEST:
        return Sought(part, LAST, word)
    given = {"after": word, "until": word + "\U0010ffff", "most": COMPLETED}
    rows = ask(connection, _terms(_speech(connection)), given)
    return Sought(part, sum(row[1] for row in rows), word, words=tuple(row[0] for row in rows))


@lru_cache
def _terms(speech: "_Speech") -> str:
    return _said(
        speech,
        "SELECT word, count FROM (SELECT pk, word, count FROM term WHERE word >= $after AND word < $until "
        f"ORDER BY word LIMIT {SPELLED}) AS spelled ORDER BY pk LIMIT $most",
    )


class _Speech(NamedTuple):
    """How a database wants a full-text query, and a statement with one, to be written."""

    both: str
    either: str
    but: str
    quote: str
    then: str
    given: str
    matches: str
    order: str

    def any(self, tokens: Iterable[str]) -> str:
        return f"({self.either.join(f'{self.quote}{token}{self.quote}' for token in tokens)})"

    def all(self, queries: Iterable[str]) -> str:
        return f"({self.both.join(queries)})"

    def phrase(self, words: Iterable[str]) -> str:
        return f"({self.quote}{self.then.join(words)}{self.quote})"

    def without(self, query: str, *others: str) -> str:
        return f"({query}{self.but}({self.either.join(others)}))"


_SPEECH = {
    "sqlite": _Speech(
        " AND ", " OR ", " NOT ", '"', " ", ":{}", "entry_index_{} MATCH $query AND rowid > $after", "rowid",
    ),
    # The sum keeps the server from walking by keys through entries that do not match: it cannot know how rare they are.
    "postgresql": _Speech(
        " & ", " | ", " & !", "'", "' <-> '", "%({})s",
        "tokens @@ CAST($query AS tsquery) AND rowid + 0 > CAST($after AS integer)", "rowid + 0",
    ),
}  # fmt: skip


@lru_cache
def _matching(speech: _Speech, first: int, last: int, *, ordered: bool = True) -> str:
    """The keys of what matches in some parts: from one after the other, as far as they are wanted.

    To have them in order, PostgreSQL reads all that match first.
    """
    order = f"ORDER BY {speech.order} " * ordered
    parts = (
        f"SELECT * FROM (SELECT rowid AS pk FROM entry_index_{part} WHERE {speech.matches.format(part)} "
        f"{order}LIMIT $most) AS part_{part}"
        for part in range(first, last)
    )
    return " UNION ALL ".join(parts)


def _said(speech: _Speech, statement: str, number: object = "") -> str:
    """A statement with `$name` as the database wants what is given by that name, numbered where there are many."""
    names = {"most": "most"}
    return re.sub(r"\$(\w+)", lambda found: speech.given.format(names.get(found[1], f"{found[1]}{number}")), statement)


def _speech(connection: Connection) -> _Speech:
    return _SPEECH[connection.dialect.name]


class Tier(NamedTuple):
    """What of the matches comes in which turn, from which part of the index up to which, and behind which key."""

    tier: int
    query: str
    first: int
    last: int
    after: int = 0


class Asked:
    """A query in the database's own language: `whole` for all that matches, `tiers` in order of relevance.

    It may be asked of the first parts of the index only, and of some kinds only.
    """

    def __init__(
        self, connection: Connection, query: Query, parts: list[Sought], kinds: Sequence[str] = (),
        within: int | None = None,
    ) -> None:  # fmt: skip
        self.speak = _speech(connection)
        self.query, self.parts = query, parts
        self.is_bound, self.last = within is not None, within or bisect_left(ENDS, size(connection)) + 1
        self.only = [self.speak.any(f"#{kind}" for kind in kinds)] if kinds else []
        self.whole = self._all(map(self._anywhere, parts))
        self.named = self._all(map(self._named, parts))

    def everything(self) -> Tier:
        return self._tier(0, self.whole)

    def _tier(self, number: int, query: str, first: int = 0, last: int = 99) -> Tier:
        return Tier(number, query, first, min(last, self.last))

    def tiers(self) -> Iterator[Tier]:
        """The very name, how one begins, all in names, the rarest in names, words that stand together, the rest."""
        own = opening([token.word for token in self.query.tokens])
        # These tokens are of stems, and a quoted phrase is of words.
        more = [self.whole] if any(each.part.stem is None for each in self.parts) else []
        first = name = self._all([self.speak.any([f"${'_'.join(own)}"]), *more])
        yield self._tier(0, name)
        if len(own) <= LEADING:
            first = self._all([self.speak.any([f"^{'_'.join(own)}"]), *more])
            yield self._tier(1, self.speak.without(first, name))
        yield self._tier(2, self.speak.without(self.named, first))
        best = self.named
        if len(self.parts) > 1:
            best = self._all([self._named(min(self.parts, key=lambda each: each.entries)), self.whole])
            yield self._tier(3, self.speak.without(best, self.named))
        rest = self.speak.without(self.whole, best)
        if len(self.parts) == 1 or any(len(part.words) > 1 for part in self.query.parts):
            yield self._tier(5, rest)
            return
        words = self.speak.phrase(token.word for token in self.query.tokens)
        yield self._tier(4, self.speak.without(self._all([words]), best), last=NEAR)
        yield self._tier(5, self.speak.without(self.whole, best, words), last=NEAR)
        if self.last > NEAR:
            yield self._tier(6, rest, first=NEAR)

    def _all(self, queries: Iterable[str]) -> str:
        return self.speak.all([*queries, *self.only])

    def _anywhere(self, each: Sought) -> str:
        if each.part.prefix:
            return self.speak.any([f"<{each.part.words[0][:BEGINNING]}", *each.words])
        return self.speak.any([f"={each.part.stem}"]) if each.part.stem else self.speak.phrase(each.part.words)

    def _named(self, each: Sought) -> str:
        if each.part.prefix:
            return self.speak.any([f"<{each.part.words[0][:BEGINNING]}"])
        stems = [self.speak.any([f"@{stem(word)}"]) for word in dict.fromkeys(each.part.words)]
        return self.speak.all(stems if each.part.stem else [*stems, self.speak.phrase(each.part.words)])


def size(connection: Connection) -> int:
    """How many entries there are; kept with the connection, which reads one revision only."""
    if "entries" not in connection.info:
        [(last,)] = ask(connection, "SELECT max(pk) FROM entry", ())
        connection.info["entries"] = (last or 0) >> KIND_BITS
    found: int = connection.info["entries"]
    return found


def parts_of(share: float, size: int) -> int | None:
    """How many parts of the index have at most this share of all, or are the least; None where these are all."""
    within = max(bisect_right(ENDS, share * size), 1)
    return None if within > len(ENDS) or ENDS[within - 1] >= size else within


HIT = ("pk", "hit", "fields", "texts", "places", "plain")


def hits(connection: Connection, tiers: list[Tier], limit: int) -> list[tuple[Any, ...]]:
    """The first entries of the tiers: tier, pk, and what of `entry` a hit is made of."""
    given: dict[str, Any] = {"most": limit}
    for place, tier in enumerate(tiers):
        given |= {f"query{place}": tier.query, f"after{place}": tier.after}
    shape = tuple((tier.tier, tier.first, tier.last) for tier in tiers)
    if not shape:
        # Behind the last of them, where a cursor may point.
        return []
    return ask(connection, _hits(_speech(connection), shape), given)


@lru_cache
def _hits(speech: _Speech, shape: tuple[tuple[int, int, int], ...]) -> str:
    each = (
        f"SELECT {tier} AS tier, pk FROM ({_said(speech, _matching(speech, *parts), place)}) AS found"
        for place, (tier, *parts) in enumerate(shape)
    )
    return _said(
        speech,
        f"SELECT tier, {', '.join(HIT)} FROM ({' UNION ALL '.join(each)} LIMIT $most) AS found "
        "JOIN entry USING (pk) ORDER BY tier, pk",
    )


def keys(connection: Connection, tier: Tier, limit: int) -> Any:
    """The keys of the first entries of a tier, as something to select from."""
    speech = _speech(connection)
    statement = _said(
        speech._replace(given=":{}"),
        f"SELECT pk FROM ({_matching(speech, tier.first, tier.last)} LIMIT $most) AS found",
    )
    found = text(statement).bindparams(query=tier.query, after=tier.after, most=limit)
    return found.columns(column("pk", Integer)).subquery()


def named(connection: Connection, query: Query, limit: int, kinds: Sequence[str] = ()) -> list[tuple[Any, ...]]:
    """The first records with a name that a query asks for: pk, and what of `entry` a suggestion is made of."""
    parts = [Sought(part, 0, part.words[0]) for part in query.parts]
    given = {"query": Asked(connection, query, parts, kinds).named, "after": 0, "most": limit}
    return ask(connection, _names(_speech(connection)), given)


@lru_cache
def _names(speech: _Speech) -> str:
    matching = _matching(speech, 0, len(ENDS) + 1)
    return _said(
        speech,
        f"SELECT pk, hit, hint, fields, texts FROM ({matching} LIMIT $most) AS found JOIN entry USING (pk) ORDER BY pk",
    )


def counts(connection: Connection, asked: Asked, most: int) -> dict[str, int]:
    """How many of each kind are among `most` that match."""
    given = {"query": asked.whole, "after": 0, "most": most}
    rows = ask(connection, _counts(_speech(connection), asked.last), given)
    return {ALL_KINDS[kind]: count for kind, count in rows}


@lru_cache
def _counts(speech: _Speech, last: int) -> str:
    bits, matching = (1 << KIND_BITS) - 1, _matching(speech, 0, last, ordered=False)
    return _said(
        speech, f"SELECT pk & {bits} AS kind, count(*) FROM ({matching} LIMIT $most) AS found GROUP BY pk & {bits}"
    )
