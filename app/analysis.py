"""Words as search knows them: cut, folded and stemmed alike in a text, in a query and in what is marked.

A query is words that must all occur, and quoted phrases whose words must stand in order. Anything else in it is
punctuation, so that no query can be malformed.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from threading import Lock
from typing import NamedTuple
from unicodedata import combining, normalize

from anyascii import anyascii
from Stemmer import Stemmer

MAX_LENGTH, MAX_WORDS = 200, 12
SNIPPET = 160
_APOSTROPHES = "'’ʼ‘"

# A writing without spaces gives a word per sign.
_SIGNS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_LETTER = rf"(?:[^\W_{_SIGNS}]|[\u0300-\u036f])"
_APOSTROPHE = f"[{_APOSTROPHES}]"
# The possessive `'s` is passed over: “People’s” is the word `people`.
_WORD = re.compile(
    rf"([{_SIGNS}]|{_LETTER}+(?:{_APOSTROPHE}(?![sS](?!{_LETTER})){_LETTER}+)*)(?:{_APOSTROPHE}[sS](?!{_LETTER}))?"
)
_PLAIN_WORD = re.compile("[A-Za-z0-9]+")
# ASCII with nothing but spaces between its words.
_APART = bytes(sign if chr(sign).isalnum() else ord(" ") for sign in range(128)).ljust(256)
_PHRASE = re.compile(r"[\"“”„«»]([^\"“”„«»]*)[\"“”„«»]")
_LETTERS = re.compile(r"[^\W_]+")
_UNFOLDED = re.compile(r"[^a-z0-9]")
# What a question is put together with; such a word is looked for only inside quotes, or alone.
_MINOR = set(
    re.findall(
        r"\w+",
        "a an and are as at be been but by did do does for from had has have how in is it its of on or that the their "
        "there these they this to was were what when where which who whom whose why will with",
    )
)
# It would remember words by itself; `stem` does so at a better price.
_stemmer, _one_at_a_time = Stemmer("english", 0), Lock()


class Token(NamedTuple):
    """A word at code points `start` to `end` (exclusive) of a text."""

    word: str
    start: int
    end: int


class Cut(NamedTuple):
    """The words of a text, how each is written there, and the stems of them; `plain` as `is_plain` has it."""

    words: tuple[str, ...]
    shapes: tuple[str, ...]
    stems: tuple[str, ...]
    plain: bool


class Part(NamedTuple):
    """What must occur: these words in order; or, for a single word, any word of this stem or with this beginning."""

    words: tuple[str, ...]
    stem: str | None = None
    prefix: bool = False


class Query(NamedTuple):
    parts: list[Part]
    tokens: list[Token]


class Mark(NamedTuple):
    """Code points of a text that answer to a part of a query, by its place in `Query.parts`."""

    start: int
    end: int
    part: int


@lru_cache(maxsize=100_000)
def fold(word: str) -> str:
    """A word in small ASCII letters and digits; one that has no such form stays as it is. Endless ones are cut."""
    plain = word.lower() if word.isascii() else anyascii(normalize("NFC", word)).lower()
    return (_UNFOLDED.sub("", plain) or "".join(filter(str.isalnum, word)))[:MAX_LENGTH]


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """What the inflections of an English word share."""
    with _one_at_a_time:
        found: str = _stemmer.stemWord(word)
    return found


def name_key(name: str) -> str:
    """A name folded for sorting: no case, no accents, no leading article."""
    plain = "".join(c for c in normalize("NFKD", name) if not combining(c)).casefold()
    return plain.removeprefix("the ").strip()


def cut(text: str) -> Cut:
    """What `tokens` finds, without the places: a million texts are cut when they are loaded, most of them ASCII."""
    if text.isascii() and "'" not in text:
        shapes = text.encode().translate(_APART).decode().split()
        plain = len(text) <= MAX_LENGTH or max(map(len, shapes), default=0) <= MAX_LENGTH
    else:
        found = tokens(text)
        shapes, plain = [text[start:end] for _, start, end in found], is_plain(text, found)
    words, shown, stems = zip(*map(_KNOWN.__getitem__, shapes), strict=True) if shapes else ((), (), ())
    return Cut(words, shown, stems, plain)


class _Known(dict[str, tuple[str, str, str]]):
    """A word, how it is written, and its stem: mostly the same objects, which are compared and counted the faster.

    Nothing else is asked as often in a load, and `lru_cache` takes twice as long to answer.
    """

    def __missing__(self, shape: str) -> tuple[str, str, str]:
        if len(self) >= 100_000:
            self.clear()
        word = fold(shape)
        found = self[shape] = word, shape, stem(word)
        return found


_KNOWN = _Known()


def tokens(text: str) -> list[Token]:
    if text.isascii() and "'" not in text:
        return [Token(each[0].lower()[:MAX_LENGTH], *each.span()) for each in _PLAIN_WORD.finditer(text)]
    return list(_tokens(text, 0, len(text)))


def _tokens(text: str, start: int, end: int) -> Iterator[Token]:
    for match in _WORD.finditer(text, start, end):
        if word := fold(match[1]):
            yield Token(word, *match.span(1))


def is_minor(word: str) -> bool:
    return word in _MINOR


@lru_cache(maxsize=100)
def parse(text: str) -> Query:
    """What a client looks for. Raises ValueError when there is no word in it, or too many are."""
    found: list[tuple[Part, bool]] = []
    place, written = 0, list[Token]()
    for match in [*_PHRASE.finditer(text), None]:
        loose = list(_tokens(text, place, match.start() if match else len(text)))
        found += [(Part((word,), stem(word)), word in _MINOR) for word, _, _ in loose]
        written += loose
        if match is not None:
            phrase = list(_tokens(text, *match.span(1)))
            found += [(Part(tuple(token.word for token in phrase)), False)] if phrase else []
            written += phrase
            place = match.end()
        elif loose:
            # The last word may be unfinished, unless something follows it.
            last = Part((loose[-1].word,), stem(loose[-1].word), prefix=True)
            found[-1] = last, found[-1][1] and loose[-1].end < len(text)
    _check(written)
    parts = [part for part, minor in found if not minor] or [part for part, _ in found]
    return Query(list(dict.fromkeys(parts)), written)


def parse_name(text: str) -> Query:
    """The beginning of a name: words in any inflection, the last one perhaps unfinished. Raises ValueError too."""
    written = tokens(text)
    _check(written)
    parts = [Part((token.word,), stem(token.word)) for token in written[:-1]]
    parts.append(Part((written[-1].word,), prefix=True))
    return Query(list(dict.fromkeys(parts)), written)


def _check(written: list[Token]) -> None:
    if not written:
        raise ValueError("there is no word in it to look for: give at least one letter or digit")
    if len(written) > MAX_WORDS:
        raise ValueError(f"it has {len(written)} words, and at most {MAX_WORDS} are looked for at once")


def marks(text: str, query: Query) -> list[Mark]:
    """Where a text answers to the query, in the text's order and without overlap."""
    words = tokens(text)
    found = []
    for place, part in enumerate(query.parts):
        size = len(part.words)
        for at in range(len(words) - size + 1):
            if _answers(words[at : at + size], part):
                found.append(Mark(words[at].start, words[at + size - 1].end, place))
    found.sort(key=_by_place)
    return _apart(found)


def _apart(found: list[Mark]) -> list[Mark]:
    """Of marks in order, those that do not begin within one that is kept."""
    kept: list[Mark] = []
    end = 0
    for mark in found:
        if mark[0] >= end:
            kept.append(mark)
            end = mark[1]
    return kept


def _by_place(mark: Mark) -> tuple[int, int, int]:
    return mark[0], -mark[1], mark[2]


def _answers(words: Sequence[Token], part: Part) -> bool:
    if part.prefix and words[0].word.startswith(part.words[0]):
        return True
    if part.stem is not None:
        return stem(words[0].word) == part.stem
    return not part.prefix and tuple(token.word for token in words) == part.words


def is_plain(text: str, words: list[Token]) -> bool:
    """Whether the words of a text, which these are, stand in it letter by letter, whatever their case."""
    small = text.lower()
    return len(small) == len(text) and all(small[start:end] == word for word, start, end in words)


def plain_marks(text: str, query: Query, starts: list[str]) -> list[Mark]:
    """The same as `marks` in a plain text, much faster, for a query of words: `starts` has how those of each begin."""
    small = text.lower()
    found: list[Mark] = []
    for place, (start, (_, wanted, is_prefix)) in enumerate(zip(starts, query.parts, strict=True)):
        at = small.find(start)
        while at >= 0:
            end = _LETTERS.match(small, at).end()  # type: ignore[union-attr]
            is_whole = not (at and small[at - 1].isalnum()) and (end - at > 1 or not _is_possessive(small, at))
            if is_whole and (is_prefix or stem(small[at:end]) == wanted):
                found.append(Mark(at, end, place))
            at = small.find(start, end)
    if len(starts) > 1:
        # Whole words that begin together end together.
        found.sort()
        return _apart(found)
    return found


def _is_possessive(small: str, at: int) -> bool:
    return small[at] == "s" and at > 1 and small[at - 1] in _APOSTROPHES and small[at - 2].isalnum()


def snippet(text: str, found: list[Mark]) -> tuple[int, int]:
    """The stretch of a text, cut between words, that shows the most of the query; the first of equals."""
    if len(text) <= SNIPPET * 5 // 4:
        return 0, len(text)
    if not found:
        return 0, _cut(text, SNIPPET)
    first = _best(found)
    last = max((m.end for m in found if first.start <= m.start and m.end <= first.start + SNIPPET), default=first.end)
    lead = max(0, (SNIPPET - (last - first.start)) // 2)
    begin = max(0, min(first.start - lead, len(text) - SNIPPET))
    begin = 0 if begin == 0 else text.find(" ", begin, first.start) + 1 or first.start
    return begin, max(last, _cut(text, begin + SNIPPET))


def _best(found: list[Mark]) -> Mark:
    """The mark from which on the most of the query is shown, the first of equals."""
    best, most, whole = found[0], 0, len({mark.part for mark in found})
    for mark in found:
        if most == whole:
            break
        if (shown := len(_shown(found, mark.start))) > most:
            best, most = mark, shown
    return best


def _shown(found: list[Mark], start: int) -> set[int]:
    return {mark.part for mark in found if start <= mark.start and mark.end <= start + SNIPPET}


def _cut(text: str, end: int) -> int:
    return len(text) if end >= len(text) else text.rfind(" ", 0, end) if " " in text[:end] else end
