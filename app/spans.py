"""Where in a text a citation stands: passages, sentences and fragments, all counted in Unicode code points.

A text is lines: a heading opens a section, any other line that is not blank is a passage.
"""

import hashlib
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from itertools import islice, product
from typing import NamedTuple

from app.packfile import Cite

# One quote for one quote, so that folding moves no offset.
FOLD = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "\u00a0": " "})
_MARKS = {"'": "'’‘", '"': '"”“'}
_SENTENCE_END = re.compile(r"[.?!][’”'\")]*(?=\s+[‘“'\"(]?[A-Z0-9])")
_WORD = re.compile(r"\w+")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_BEGINNING = 8
"""Characters by which a phrase is known to begin."""


class Span(NamedTuple):
    """Code points `start` to `end` (exclusive) of the text, with the SHA-256 of exactly these."""

    start: int
    end: int
    sha256: str


class Passage(NamedTuple):
    section: str
    start: int
    end: int
    sha256: str
    sentences: list[tuple[int, int]]


class Section(NamedTuple):
    id: str
    title: str | None


class Utf16:
    """Code point offsets of a text as UTF-16 code units, which JavaScript counts: an astral character is two."""

    def __init__(self, astral: list[int]) -> None:
        self.astral = astral

    @classmethod
    def of(cls, text: str) -> "Utf16":
        return cls([match.start() for match in _ASTRAL.finditer(text)])

    def __call__(self, offset: int) -> int:
        return offset + bisect_left(self.astral, offset)


class SpanError(ValueError):
    """A fragment that names no place, or more than one; the message says which."""


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def words(text: str) -> list[str]:
    return _WORD.findall(text.translate(FOLD).casefold())


def slug(text: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", text.translate(FOLD).replace("'", "").casefold()))


def passages(text: str, headings: list[str]) -> tuple[list[Section], list[Passage]]:
    """Cut a text into sections and passages; what stands before the first heading is the section `lead`."""
    titles = {title.translate(FOLD): title for title in headings}
    sections, found = [Section("lead", None)], list[Passage]()
    for line in re.finditer(r"\S(?:.*\S)?", text):
        if (title := titles.get(line[0].translate(FOLD))) is not None:
            sections.append(Section(slug(title), title))
        else:
            start, end = line.span()
            found.append(Passage(sections[-1].id, start, end, digest(line[0]), _sentences(line[0], start)))
    return sections, found


def _sentences(line: str, offset: int) -> list[tuple[int, int]]:
    ends = [match.end() for match in _SENTENCE_END.finditer(line)] + [len(line)]
    starts = [0] + [end + len(line[end:]) - len(line[end:].lstrip()) for end in ends[:-1]]
    return [(offset + start, offset + end) for start, end in zip(starts, ends, strict=True)]


class Finder:
    """Where phrases begin in a text: however many they are, it is walked over once."""

    def __init__(self, text: str, cites: Iterable[Cite]) -> None:
        self.text, self.folded = text, text.translate(FOLD)
        wanted = {_folded(cite.phrase or cite.starts or "") for cite in cites}
        self.places: dict[str, list[int]] = {phrase: [] for phrase in wanted}
        beginnings = defaultdict[str, list[str]](list)
        for phrase in wanted:
            if len(phrase) < _BEGINNING:
                self.places[phrase] = [match.start() for match in re.finditer(re.escape(phrase), self.folded)]
            else:
                beginnings[phrase[:_BEGINNING]].append(phrase)
        if beginnings:
            self._walk(beginnings)

    def _walk(self, beginnings: dict[str, list[str]]) -> None:
        folded = self.folded
        for place in range(len(folded) - _BEGINNING + 1):
            if folded[place : place + _BEGINNING] in beginnings:
                for phrase in beginnings[folded[place : place + _BEGINNING]]:
                    places = self.places[phrase]
                    if folded.startswith(phrase, place) and (not places or place >= places[-1] + len(phrase)):
                        places.append(place)

    def locate(self, cite: Cite) -> Span:
        """The span that a citation names. Raises SpanError."""
        start, end = self._find(cite.phrase or cite.starts or "", cite.occurrence)
        if cite.ends is not None:
            last = self.folded.find(_folded(cite.ends), start)
            line_end = self.text.find("\n", start)
            if last < 0 or last + len(cite.ends) > (len(self.text) if line_end < 0 else line_end):
                raise SpanError(f"{cite.ends!r} does not follow {cite.starts!r} in its paragraph")
            end = last + len(cite.ends)
        return Span(start, end, digest(self.text[start:end]))

    def _find(self, phrase: str, occurrence: int | None) -> tuple[int, int]:
        places = self.places[_folded(phrase)]
        if not places:
            raise SpanError(f"{phrase!r} does not occur in the text")
        if len(places) > 1 and occurrence is None:
            raise SpanError(f"{phrase!r} occurs {len(places)} times: say which with `occurrence`")
        if (occurrence or 1) > len(places):
            raise SpanError(f"{phrase!r} occurs {len(places)} times, and occurrence {occurrence} is asked for")
        start = places[(occurrence or 1) - 1]
        return start, start + len(phrase)


def locate(text: str, cite: Cite) -> Span:
    """The span that a citation names. Raises SpanError."""
    return Finder(text, [cite]).locate(cite)


def _folded(text: str) -> str:
    return text.translate(FOLD)


def exact(fragment: str, sha256: str) -> str | None:
    """The span's own characters, where the fragment is the whole span but for the form of its quotation marks."""
    choices = [_MARKS.get(character, character) for character in fragment]
    spelled = ("".join(each) for each in islice(product(*choices), 1_000))
    return next((each for each in spelled if digest(each) == sha256), None)
