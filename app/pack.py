"""Read a pack: YAML files, the generated `spans.json` beside them, and the sources' texts where they are at hand.

Everything that is wrong is found in one pass, each with its file and line.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import BaseModel, ValidationError

from app import dates
from app.errors import nearest
from app.packfile import (
    Cite,
    Date,
    Entry,
    EstimateEntry,
    PackEntry,
    PackFile,
    QuoteEntry,
    RecordEntry,
    RelationEntry,
    SourceEntry,
)
from app.spans import FOLD, Passage, Section, Span, SpanError, Utf16, digest, locate, passages, words
from app.vocabulary import PLURALS, Kind

SPANS = "spans.json"
RESERVED = ("compare",)
"""Ids that would stand where a URL such as /v1/estimates/compare stands."""


class Complaint(NamedTuple):
    """One thing that is wrong with a pack, and where."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class PackError(Exception):
    """A pack that may not be loaded, with every complaint."""

    def __init__(self, complaints: list[Complaint]) -> None:
        super().__init__("\n".join(map(str, complaints)))
        self.complaints = complaints


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


@dataclass
class Pack:
    folder: Path
    about: PackEntry
    records: list[tuple[Kind, RecordEntry]]
    relations: list[RelationEntry]
    sources: dict[str, SourceText]
    spans: dict[str, Span]
    complaints: list[Complaint] = field(default_factory=list)

    def source_of(self, cite: Cite) -> str:
        return cite.source or next(iter(self.sources))

    def cites(self, entry: RecordEntry | RelationEntry) -> list[Cite]:
        """An entry's citations, one for each place."""
        return list({(self.source_of(c), self.spans[self.span_key(c)][:2]): c for c in all_cites(entry)}.values())

    def span_key(self, cite: Cite) -> str:
        """The name of a place in `spans.json`."""
        return f"{self.source_of(cite)} | {cite.fragment} | {cite.occurrence or 1}"

    def claims(self) -> list[tuple[str, RecordEntry | RelationEntry]]:
        return [(e.id, e) for _, e in self.records] + [(r.key, r) for r in self.relations]

    def uncited(self) -> list[tuple[str, tuple[int, int]]]:
        """The sentences that no citation touches, as (source, (start, end))."""
        cited: dict[str, list[Span]] = {source: [] for source in self.sources}
        for _, entry in self.claims():
            for cite in all_cites(entry):
                cited[self.source_of(cite)].append(self.spans[self.span_key(cite)])
        return [
            (source, (start, end))
            for source, text in self.sources.items()
            for passage in text.passages
            for start, end in passage.sentences
            if not any(span.start < end and start < span.end for span in cited[source])
        ]

    def generated(self) -> str:
        """The content of `spans.json`."""
        body = {
            "sources": {
                name: {
                    "sha256": text.sha256,
                    "length": text.length,
                    "sections": [list(section) for section in text.sections],
                    "passages": [list(passage) for passage in text.passages],
                    "astral": text.utf16.astral,
                }
                for name, text in self.sources.items()
            },
            "spans": {key: list(self.spans[key]) for key in sorted(self.spans)},
        }
        return json.dumps(body, indent=1, ensure_ascii=False) + "\n"


def all_cites(entry: RecordEntry | RelationEntry) -> list[Cite]:
    """An entry's citations, those of its aliases among them."""
    aliases = entry.aliases if isinstance(entry, RecordEntry) else []
    return [*entry.cite, *(cite for alias in aliases for cite in alias.cite or [])]


def folders(seed: Path) -> list[Path]:
    """The packs below a seed folder, by name. Raises PackError where there are none."""
    found = sorted(path.parent for path in seed.glob("*/*.yaml"))
    if not found:
        raise PackError([Complaint(str(seed), 1, "there is no pack: a folder with YAML files in it")])
    return list(dict.fromkeys(found))


def fingerprint(folder: Path, source_dir: Path | None) -> str:
    """A hash over all that a pack's content depends on, cheap enough to take at every start."""
    seen = sha256()
    for path in [*sorted(folder.glob("*.yaml")), folder / SPANS]:
        seen.update(path.name.encode() + b"\0" + (path.read_bytes() if path.is_file() else b"") + b"\0")
    places = [folder, *([source_dir / folder.name, source_dir] if source_dir else [])]
    for path in [path for place in places for path in sorted(place.glob("*.txt"))]:
        seen.update(path.read_bytes())
    return seen.hexdigest()


def read(folder: Path, source_dir: Path | None = None, *, cite: bool = False) -> Pack:
    """Read, validate and resolve the pack in `folder`. Raises PackError with everything that is wrong.

    With `cite`, places are found anew in the texts that are at hand, and `spans.json` need not agree.
    """
    return _Reader(folder, source_dir, cite).pack()


class _Reader:
    def __init__(self, folder: Path, source_dir: Path | None, cite: bool) -> None:
        self.folder, self.source_dir, self.cite = folder, source_dir, cite
        self.complaints: list[Complaint] = []
        self.places: dict[int, tuple[str, int]] = {}
        self.broken: set[str] = set()

    def complain(self, entry: object, message: str) -> None:
        path, line = self.places.get(id(entry), (str(self.folder), 1))
        self.complaints.append(Complaint(path, line, message))

    def pack(self) -> Pack:
        files = [parsed for path in sorted(self.folder.glob("*.yaml")) if (parsed := self.file(path))]
        abouts = [part.pack for part in files if part.pack]
        if len(abouts) != 1:
            self.complain(None, f"a pack has one `pack:` entry, and this one has {len(abouts)}")
            raise PackError(self.complaints)
        records = [(kind, e) for kind in PLURALS for part in files for e in getattr(part, PLURALS[kind])]
        pack = Pack(self.folder, abouts[0], records, [r for part in files for r in part.relations], {}, {})
        self.references(pack)
        self.texts(pack)
        for _, entry in pack.claims():
            self.dated(entry)
        self.stop_if_wrong()
        return self.checked(pack)

    def checked(self, pack: Pack) -> Pack:
        if self.cite:
            return pack
        kept = self.folder / SPANS
        if not kept.is_file() or kept.read_text("utf-8") != pack.generated():
            self.complaints.append(Complaint(str(kept), 1, "is missing or out of date: run `fasti cite`"))
        self.complaints += uncited(pack)
        self.stop_if_wrong()
        return pack

    def stop_if_wrong(self) -> None:
        if self.complaints:
            raise PackError(self.complaints)

    def file(self, path: Path) -> PackFile | None:
        """A file's entries. One that is wrong is complained of and left out, so that the others are looked at too."""
        lines: dict[tuple[Any, ...], int] = {}
        try:
            node = yaml.compose(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
            data = self.plain(node, (), lines, path)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            self.complaints.append(Complaint(str(path), mark.line + 1 if mark else 1, getattr(error, "problem", "?")))
            return None
        faults = _faults(data)
        if not isinstance(data, dict):
            self.complaints.append(Complaint(str(path), 1, "a file of a pack has keys such as `events:`"))
            return None
        self.complaints += [Complaint(str(path), _line(lines, fault["loc"]), _said(fault, data)) for fault in faults]
        wrong = {fault["loc"][:2] for fault in faults}
        places = {name: [i for i in range(len(each)) if (name, i) not in wrong]
                  for name, each in data.items() if isinstance(each, list)}  # fmt: skip
        self.broken |= {_id_of(data[name][i]) for name, i in (loc for loc in wrong if loc[0] in places and loc[1:])}
        good = {name: [data[name][i] for i in kept] for name, kept in places.items() if name in PackFile.model_fields}
        if "pack" in data and not any(loc[0] == "pack" for loc in wrong):
            good["pack"] = data["pack"]
        parsed = PackFile.model_validate(good)
        for name, kept in places.items():
            for index, entry in zip(kept, getattr(parsed, name, []), strict=False):
                self.places[id(entry)] = (str(path), lines[(name, index)])
        return parsed

    def plain(self, node: Any, at: tuple[Any, ...], lines: dict[tuple[Any, ...], int], path: Path) -> Any:
        """A YAML node as plain data, with the line of each part noted and a key given twice refused."""
        if node is None:
            return {}
        lines[at] = node.start_mark.line + 1
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(part, (*at, i), lines, path) for i, part in enumerate(node.value)]
        if not isinstance(node, yaml.MappingNode):
            return yaml.CSafeLoader("").construct_object(node)
        data: dict[str, Any] = {}
        for key, value in node.value:
            if key.value in data:
                self.complaints.append(Complaint(str(path), key.start_mark.line + 1, f"`{key.value}` is given twice"))
            data[key.value] = self.plain(value, (*at, key.value), lines, path)
        return data

    def references(self, pack: Pack) -> None:
        kinds: dict[str, Kind] = {}
        first: dict[str, RecordEntry] = {}
        for kind, entry in pack.records:
            if entry.id in first:
                path, line = self.places[id(first[entry.id])]
                self.complain(entry, f"the id {entry.id!r} is taken, by the {kinds[entry.id]} at {path}:{line}")
            if entry.id in RESERVED:
                self.complain(entry, f"the id {entry.id!r} is taken, by a URL of the API")
            kinds.setdefault(entry.id, kind)
            first.setdefault(entry.id, entry)
        keys: set[str] = set()
        for relation in pack.relations:
            if relation.key in keys or relation.key in kinds:
                self.complain(relation, f"the relation {relation.key!r} is there twice: give one of them an `id`")
            keys.add(relation.key)
            if relation.causality is None and relation.predicate == "caused":
                self.complain(relation, "`caused` needs `causality`: `explicit` where the text says so, else `implied`")
            if relation.causality is not None and relation.predicate != "caused":
                self.complain(relation, f"`causality` stands on `caused` alone, and not on {relation.predicate!r}")
        for _, claim in pack.claims():
            for name, reference, wanted in _references(claim):
                self.refer(claim, name, reference, wanted, kinds)

    def refer(self, entry: Entry, name: str, reference: str, wanted: Kind | None, kinds: dict[str, Kind]) -> None:
        if reference in self.broken:
            return
        if reference not in kinds:
            near = nearest(reference, kinds)
            self.complain(entry, f"{name}: there is no {reference!r}" + (f"; did you mean {near!r}?" if near else ""))
        elif wanted and kinds[reference] != wanted:
            self.complain(entry, f"{name}: {reference!r} is of the kind {kinds[reference]}, and {wanted} is wanted")

    def dated(self, entry: RecordEntry | RelationEntry) -> None:
        date: Date | None = getattr(entry, "date", None)
        try:
            if date:
                date.span()
        except dates.DateError as error:
            self.complain(entry, f"date: {error}")

    def texts(self, pack: Pack) -> None:
        kept = self.kept()
        for kind, entry in pack.records:
            if isinstance(entry, SourceEntry) and kind == "source":
                path = self.text(entry, alone=sum(each == "source" for each, _ in pack.records) == 1)
                if path is not None:
                    pack.sources[entry.id] = _cut(path, entry.headings)
                elif entry.id in kept.get("sources", {}):
                    pack.sources[entry.id] = kept["sources"][entry.id]
                else:
                    self.complain(
                        entry, f"its text {entry.text!r} is not at hand: put it in the folder, or set FASTI_SOURCE_DIR"
                    )
        if not pack.sources:
            if not self.complaints:
                self.complain(None, "a pack has at least one source")
            return
        for _, claim in pack.claims():
            for cite in all_cites(claim):
                self.place(pack, claim, cite, kept.get("spans", {}))
            self.aliases(pack, claim)

    def kept(self) -> dict[str, Any]:
        path = self.folder / SPANS
        if not path.is_file():
            return {}
        try:
            data: dict[str, Any] = json.loads(path.read_text("utf-8"))
            return {"sources": {name: _restored(each) for name, each in data["sources"].items()},
                    "spans": {key: Span(*each) for key, each in data["spans"].items()}}  # fmt: skip
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if self.cite:
                return {}
            raise PackError([Complaint(str(path), 1, f"cannot be read ({error!r}): run `fasti cite`")]) from None

    def text(self, entry: SourceEntry, *, alone: bool) -> Path | None:
        """Where a source's text is; `source.txt` is the text of a source that is alone in its pack."""
        names = [entry.text, *["source.txt"] * alone]
        places = [self.folder / name for name in names]
        if self.source_dir:
            places += [self.source_dir / self.folder.name / name for name in names] + [self.source_dir / entry.text]
        return next((path for path in places if path.is_file()), None)

    def place(self, pack: Pack, entry: Entry, cite: Cite, kept: dict[str, Span]) -> None:
        if pack.source_of(cite) not in pack.sources:
            self.complain(entry, f"cite: there is no source {cite.source!r}")
            return
        if cite.source is None and len(pack.sources) > 1:
            self.complain(entry, f"cite: {cite.fragment!r} must say its `source`, since the pack has several")
            return
        source, key = pack.sources[pack.source_of(cite)], pack.span_key(cite)
        try:
            if source.text is not None:
                pack.spans[key] = locate(source.text, cite)
                self.fragment(entry, cite, source)
            else:
                pack.spans[key] = kept[key]
            if not any(p.start <= pack.spans[key].start and pack.spans[key].end <= p.end for p in source.passages):
                self.complain(entry, f"cite: {cite.fragment!r} stands in no passage: a heading supports nothing")
        except SpanError as error:
            self.complain(entry, f"cite: {error}")
        except KeyError:
            self.complain(entry, f"cite: {cite.fragment!r} has no span yet: run `fasti cite` where the text is")

    def aliases(self, pack: Pack, entry: RecordEntry | RelationEntry) -> None:
        """An alias that is said to be in the source stands in the words that it cites."""
        for alias in entry.aliases if isinstance(entry, RecordEntry) else []:
            cited = [_cited(pack, cite) for cite in alias.cite or []]
            if cited and not any(_plain(alias.name) in _plain(each) for each in cited):
                self.complain(entry, f"alias: {alias.name!r} is not in the words that it cites")

    def fragment(self, entry: Entry, cite: Cite, source: SourceText) -> None:
        ours = words(cite.phrase or "")
        sentences = (words((source.text or "")[start:end]) for p in source.passages for start, end in p.sentences)
        if len(ours) > 3 and ours in sentences:
            self.complain(entry, f"cite: {cite.phrase!r} is a whole sentence: use fewer of its words")


def _cited(pack: Pack, cite: Cite) -> str:
    """The words that a citation points at: the whole span where the text is at hand, else the fragment."""
    source, span = pack.sources.get(pack.source_of(cite)), pack.spans.get(pack.span_key(cite))
    if source is None or source.text is None or span is None:
        return cite.fragment
    return source.text[span.start : span.end]


def _plain(text: str) -> str:
    return text.translate(FOLD).casefold()


def _references(entry: RecordEntry | RelationEntry) -> list[tuple[str, str, Kind | None]]:
    found: list[tuple[str, str | None, Kind | None]] = [("attributed_to", entry.attributed_to, None)]
    date: Date | None = getattr(entry, "date", None)
    if date:
        found.append(("date.relative_to", date.relative_to, None))
    if isinstance(entry, RelationEntry):
        found += [("subject", entry.subject, None), ("object", entry.object, None)]
    if isinstance(entry, EstimateEntry):
        found += [("subject", entry.subject, None), ("place", entry.place, "place")]
    if isinstance(entry, QuoteEntry):
        found += [("speaker", entry.speaker, None), *(("about", each, None) for each in entry.about)]
    return [(name, reference, kind) for name, reference, kind in found if reference is not None]


def _line(lines: dict[tuple[Any, ...], int], place: tuple[Any, ...]) -> int:
    while place not in lines and place:
        place = place[:-1]
    return lines.get(place, 1)


def _faults(data: Any) -> list[Any]:
    try:
        PackFile.model_validate(data)
    except ValidationError as error:
        return list(error.errors())
    return []


def _id_of(entry: Any) -> str:
    return str(entry.get("id")) if isinstance(entry, dict) else ""


def _said(fault: Any, data: Any) -> str:
    """What Pydantic found, as a curator reads it: the entry by its id, and what would be right."""
    loc, kind, given = fault["loc"], fault["type"], fault["input"]
    entry = data[loc[0]][loc[1]] if len(loc) > 1 and isinstance(data.get(loc[0]), list) else None
    within = [str(part) for part in loc[2:]] if entry is not None else [str(part) for part in loc]
    where = " ".join(part for part in (_id_of(entry), ".".join(within)) if part and part != "None")
    if kind == "extra_forbidden":
        known = {name for model in _models(PackFile) for name in model.model_fields}
        return f"{where}: there is no such key{_meant(loc[-1], known)}"
    if kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", fault["ctx"]["expected"])
        return f"{where}: {given!r} is not allowed{_meant(given, allowed)} (one of: {', '.join(allowed)})"
    if kind == "string_type" and not isinstance(given, list | dict | None):
        return f"{where}: {given} is not text: put it in quotes"
    if kind == "missing":
        return f"{where}: is missing"
    return f"{where}: {fault['msg'].removeprefix('Value error, ')}"


def _meant(given: Any, known: Iterable[str]) -> str:
    near = nearest(str(given), known)
    return f"; did you mean `{near}`?" if near else ""


def uncited(pack: Pack) -> list[Complaint]:
    """A complaint for each sentence that no citation touches, at its place in the text."""
    found = []
    for name, (start, end) in pack.uncited():
        source = pack.sources[name]
        if source.text is None:
            place, line, words_ = str(pack.folder / SPANS), 1, f"of {name!r} from {start} to {end}"
        else:
            place, line = str(source.path), source.text.count("\n", 0, start) + 1
            words_ = "“" + " ".join(source.text[start:end].split()[:6]) + " …”"
        found.append(Complaint(place, line, f"no citation touches the sentence {words_}: each must support something"))
    return found


def _models(model: type[BaseModel]) -> list[type[BaseModel]]:
    return [model, *Entry.__subclasses__(), *RecordEntry.__subclasses__(), RelationEntry, RecordEntry]


def _cut(path: Path, headings: list[str]) -> SourceText:
    text = path.read_bytes().decode("utf-8")
    return SourceText(digest(text), len(text), *passages(text, headings), Utf16.of(text), text, path)


def _restored(kept: dict[str, Any]) -> SourceText:
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


def schema() -> str:
    """The JSON Schema of a pack's files, for editors."""
    body = {"$schema": "https://json-schema.org/draft/2020-12/schema", **PackFile.model_json_schema()}
    return re.sub(r"[ \t]+\n", "\n", json.dumps(body, indent=1, ensure_ascii=False)) + "\n"
