"""The texts of sources: cut into passages where they are at hand, or as `spans.json` remembers them; and the places
in them that are cited."""

import json
import mmap
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.encoding import dump
from app.packfile import Cite
from app.spans import FOLD, Finder, Passage, Section, Span, SpanError, Utf16, digest, passages, words

SPANS = "spans.json"
_HEAD, _BETWEEN, _TAIL = b'{\n "sources": {', b'\n },\n "spans": {', b"\n }\n}\n"
_SOURCE = re.compile(rb'^  "([a-z0-9-]+)": \{$', re.MULTILINE)
Regions = dict[str, tuple[int, int]]


@dataclass
class SourceText:
    """A source cut into passages; `text` is None where the words are not at hand."""

    sha256: str
    length: int
    sections: list[Section]
    passages: list[Passage]
    utf16: Utf16
    text: str | None = None
    path: Path | None = None

    def passage_of(self, start: int, end: int) -> int | None:
        """The number, from 0, of the passage in which a span lies; None where it lies in none."""
        index = bisect_right(self.passages, start, key=lambda passage: passage.start) - 1
        return index if index >= 0 and end <= self.passages[index].end else None

    def section_of(self, passage: Passage) -> Section:
        return next(section for section in self.sections if section.id == passage.section)


def cut(path: Path, headings: list[str]) -> SourceText:
    text = path.read_bytes().decode("utf-8")
    return SourceText(digest(text), len(text), *passages(text, headings), Utf16.of(text), text, path)


def source_block(name: str, text: SourceText) -> str:
    """What `spans.json` says of a source."""
    body = {
        "sha256": text.sha256,
        "length": text.length,
        "sections": [list(section) for section in text.sections],
        "passages": [list(passage) for passage in text.passages],
        "astral": text.utf16.astral,
    }
    return _inner({"": {name: body}})


def span_block(spans: dict[str, Span]) -> str:
    """What `spans.json` says of the spans of one source: its names all begin alike, so that they stand together."""
    # As `_inner` would write them, which takes its time over as many as there are.
    lines = (
        f'\n  {dump(key)}: [\n   {span.start},\n   {span.end},\n   "{span.sha256}"\n  ]'
        for key, span in sorted(spans.items())
    )
    return ",".join(lines)


def _inner(body: Any) -> str:
    """The lines of JSON within the two outermost braces."""
    return json.dumps(body, indent=1, ensure_ascii=False)[len('{\n "": {') : -len("\n }\n}")]


def written(sources: Iterable[str], spans: Iterable[str]) -> Iterator[str]:
    """The content of `spans.json`, of the blocks of sources in their order and of spans by their names."""
    yield _HEAD.decode()
    yield from _listed(sources)
    yield _BETWEEN.decode()
    yield from _listed(spans)
    yield _TAIL.decode()


def _listed(blocks: Iterable[str]) -> Iterator[str]:
    comma = ""
    for block in filter(None, blocks):
        yield comma + block
        comma = ","


class Kept:
    """A `spans.json`, of which only what is asked for is read. Raises ValueError where it cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sources, self.spans, self.size = self._regions(path)

    @staticmethod
    def _regions(path: Path) -> tuple[Regions, Regions, int]:
        """Where in the file each source stands, and where its spans."""
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            between = data.find(_BETWEEN)
            if data[: len(_HEAD)] != _HEAD or between < 0 or data[-len(_TAIL) :] != _TAIL:
                raise ValueError("it is not as `fasti cite` writes it")
            begins = [(match[1].decode(), match.start() - 1) for match in _SOURCE.finditer(data, 0, between)]
            names = sorted(name for name, _ in begins)
            at, found = between + len(_BETWEEN), []
            for name in names:
                begin = data.find(f'\n  "{name} | '.encode(), max(at - 1, 0))
                if begin >= 0:
                    found.append((name, begin))
                    at = begin
            return _stretches(begins, between), _stretches(found, len(data) - len(_TAIL)), len(data)

    def source(self, name: str) -> SourceText:
        kept = json.loads("{" + self.block(self.sources, name).decode("utf-8") + "}")[name]
        return SourceText(
            kept["sha256"],
            kept["length"],
            [Section(*section) for section in kept["sections"]],
            [
                Passage(section, start, end, sha, [(a, b) for a, b in sentences])
                for section, start, end, sha, sentences in kept["passages"]
            ],
            Utf16(kept["astral"]),
        )

    def spans_of(self, name: str) -> dict[str, Span]:
        block = self.block(self.spans, name).decode("utf-8")
        return {key: Span(*each) for key, each in json.loads("{" + block + "}").items()}

    def block(self, regions: Regions, name: str) -> bytes:
        """What stands there, without the comma after it."""
        if name not in regions:
            return b""
        start, size = regions[name]
        with self.path.open("rb") as file:
            file.seek(start)
            return file.read(size).removesuffix(b",")

    def holds(self, blocks: int) -> bool:
        """Whether blocks of so many bytes, with a comma between them, are all that is in the file."""
        return len(_HEAD) + len(_BETWEEN) + len(_TAIL) + blocks == self.size


def _stretches(begins: list[tuple[str, int]], end: int) -> Regions:
    ends = [begin for _, begin in begins[1:]] + [end]
    return {name: (begin, stop - begin) for (name, begin), stop in zip(begins, ends, strict=True)}


def key(source: str, cite: Cite) -> str:
    """The name of a place in `spans.json`."""
    return f"{source} | {cite.fragment} | {cite.occurrence or 1}"


class Places:
    """Where the citations of one source stand."""

    def __init__(self, name: str, source: SourceText, kept: dict[str, Span], cites: list[Cite]) -> None:
        self.name, self.source, self.kept = name, source, kept
        self.finder = None if source.text is None else Finder(source.text, cites)
        self.sentences = [sentence for passage in source.passages for sentence in passage.sentences]

    def place(self, cite: Cite) -> tuple[Span, int]:
        """The span that a citation names, and its passage. Raises SpanError."""
        if self.finder is not None:
            span = self.finder.locate(cite)
            self._not_whole(self.finder, cite)
        elif key(self.name, cite) in self.kept:
            span = self.kept[key(self.name, cite)]
        else:
            raise SpanError(f"{cite.fragment!r} has no span yet: run `fasti cite` where the text is")
        passage = self.source.passage_of(span.start, span.end)
        if passage is None:
            raise SpanError(f"{cite.fragment!r} stands in no passage: a heading supports nothing")
        return span, passage

    def _not_whole(self, finder: Finder, cite: Cite) -> None:
        ours = words(cite.phrase or "")
        for place in finder.places[cite.phrase.translate(FOLD)] if cite.phrase and len(ours) > 3 else ():
            index = bisect_right(self.sentences, place, key=lambda sentence: sentence[0]) - 1
            start, end = self.sentences[index] if index >= 0 else (0, 0)
            if words(finder.text[start:end]) == ours:
                raise SpanError(f"{cite.phrase!r} is a whole sentence: use fewer of its words")

    def exact(self, span: Span) -> str | None:
        """The words of a span, where the text is at hand."""
        return None if self.source.text is None else self.source.text[span.start : span.end]


def cited_sentences(source: SourceText, spans: Iterable[Span]) -> set[int]:
    """The beginnings of the sentences that a span reaches into."""
    ends = dict[int, int]()
    for span in spans:
        ends[span.start] = max(span.end, ends.get(span.start, 0))
    starts, reach, furthest = sorted(ends), list[int](), 0
    for start in starts:
        furthest = max(furthest, ends[start])
        reach.append(furthest)
    return {
        start
        for passage in source.passages
        for start, end in passage.sentences
        if (index := bisect_right(starts, end - 1) - 1) >= 0 and reach[index] > start
    }
