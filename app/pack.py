"""Read the files of a pack: YAML, or in bulk NDJSON, where each line is an entry as YAML has it below its section.

Both become the same checked entries, a chunk at a time. What is wrong is told with its file and line, and hides
nothing else that is.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, get_args

import yaml
from pydantic import BaseModel, ValidationError

from app import dates
from app.errors import nearest
from app.packfile import Date, Entry, PackEntry, PackFile, RecordEntry, RelationEntry
from app.vocabulary import PLURALS

RESERVED = ("compare",)
"""Ids that would stand where a URL such as /v1/estimates/compare stands."""
MOST = 200
"""So many complaints are told; when there is one more, nothing else is looked at."""
CHUNK = 1_000_000
"""Bytes of an NDJSON file that are read at once, and more than there are entries in them."""
NUL = "has a NUL character, which no database keeps"
Place = tuple[Any, ...]
"""Where in a file something stands: keys of mappings and numbers in lists."""
SECTIONS: dict[str, type[Entry]] = {
    name: get_args(PackFile.model_fields[name].annotation)[0] for name in [*PLURALS.values(), "relations"]
}


class Complaint(NamedTuple):
    """One thing that is wrong with a pack, and where."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class PackError(Exception):
    """A pack that may not be loaded, with every complaint; or the first `MOST`, and that there are `more`."""

    def __init__(self, complaints: list[Complaint]) -> None:
        super().__init__(complaints[: MOST + 1])
        self.complaints, self.more = complaints[:MOST], len(complaints) > MOST

    def __str__(self) -> str:
        return "\n".join([*map(str, self.complaints), *["and more"] * self.more])


class Chunk(NamedTuple):
    """What is read at once: a YAML file, or some lines of an NDJSON file, all of one section."""

    path: Path
    number: int
    section: str | None = None
    line: int = 1
    offset: int = 0
    size: int = 0


class Found(NamedTuple):
    """An entry and where it stands."""

    section: str
    line: int
    entry: RecordEntry | RelationEntry


@dataclass
class Parsed:
    """What a chunk holds; an entry that is wrong is among the complaints, and its id among those that are `broken`."""

    entries: list[Found] = field(default_factory=list)
    abouts: list[PackEntry] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def folders(seed: Path) -> list[Path]:
    """The packs below a seed folder, by name. Raises PackError where there are none."""
    found = sorted(path.parent for path in seed.glob("*/*.yaml"))
    if not found:
        raise PackError([Complaint(str(seed), 1, "there is no pack: a folder with YAML files in it")])
    return list(dict.fromkeys(found))


def files(folder: Path) -> list[Path]:
    """The files with entries in them: YAML first, then those that have an entry a line."""
    return [path for ending in ("yaml", "ndjson") for path in sorted(folder.glob(f"*.{ending}"))]


def chunks(path: Path, number: int = 0) -> Iterator[Chunk]:
    """A file cut into chunks, numbered from `number`. Raises PackError for lines of no section."""
    if path.suffix == ".yaml":
        yield Chunk(path, number)
        return
    section = path.stem.partition("-")[0]
    if section not in SECTIONS:
        meant = _meant(section, SECTIONS)
        raise PackError([Complaint(str(path), 1, f"the file's name begins with no section{meant}")])
    line = offset = 0
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            block += file.readline()
            yield Chunk(path, number, section, line + 1, offset, len(block))
            line, offset, number = line + block.count(b"\n"), offset + len(block), number + 1


def parse(chunk: Chunk) -> Parsed:
    """The entries of a chunk, each checked by itself."""
    parsed = Parsed()
    raw = _yaml(chunk.path, parsed) if chunk.section is None else _lines(chunk, chunk.section, parsed)
    for each in raw:
        _check(each, chunk.path, parsed)
        if len(parsed.complaints) > MOST:
            break
    return parsed


class _Raw(NamedTuple):
    """An entry as it is written, and the line of each part of it."""

    section: str
    data: Any
    line: Callable[[Place], int]


def _lines(chunk: Chunk, section: str, parsed: Parsed) -> Iterator[_Raw]:
    with chunk.path.open("rb") as file:
        file.seek(chunk.offset)
        block = file.read(chunk.size)
    twice: list[str] = []
    decode = json.JSONDecoder(object_pairs_hook=partial(_once, twice), parse_constant=_refuse).decode
    for number, line in enumerate(block.split(b"\n"), chunk.line):
        if not line.strip():
            continue
        twice.clear()
        try:
            data = decode(line.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            parsed.complaints.append(Complaint(str(chunk.path), number, f"is not JSON in UTF-8: {error}"))
            continue
        parsed.complaints += [Complaint(str(chunk.path), number, f"`{key}` is given twice") for key in twice]
        if b"u0000" in line and _has_nul(data):
            parsed.complaints.append(Complaint(str(chunk.path), number, NUL))
        yield _Raw(section, data, partial(_same, number))


def _once(twice: list[str], pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        keys = [key for key, _ in pairs]
        twice += [key for key in data if keys.count(key) > 1]
    return data


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no number")


def _same(line: int, _: Place) -> int:
    return line


def _yaml(path: Path, parsed: Parsed) -> Iterator[_Raw]:
    lines: dict[Place, int] = {}
    try:
        node = yaml.compose(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
        data = _plain(node, (), lines, path, parsed.complaints)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        # The reason of bytes that are no text, and nothing of what nests without end.
        problem: str = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
        parsed.complaints.append(Complaint(str(path), mark.line + 1 if mark else 1, problem))
        return
    if not isinstance(data, dict):
        parsed.complaints.append(Complaint(str(path), 1, "a file of a pack has keys such as `events:`"))
        return
    # The entries are looked at one by one, and here only what stands around them.
    around = {name: [] if name in SECTIONS and isinstance(part, list) else part for name, part in data.items()}
    faults = _faults(PackFile, around)
    parsed.complaints += [Complaint(str(path), _line(lines, fault["loc"]), _said(fault, None)) for fault in faults]
    if data.get("pack") and not any(fault["loc"][0] == "pack" for fault in faults):
        parsed.abouts.append(PackEntry.model_validate(data["pack"]))
    for name, part in data.items():
        for index, entry in enumerate(part if name in SECTIONS and isinstance(part, list) else []):
            yield _Raw(name, entry, partial(_line_below, lines, (name, index)))


def _plain(node: Any, at: Place, lines: dict[Place, int], path: Path, wrong: list[Complaint]) -> Any:
    """A YAML node as plain data, with the line of each part noted and a key given twice refused."""
    if node is None:
        return {}
    lines[at] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_plain(part, (*at, i), lines, path, wrong) for i, part in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        if "\0" in node.value:
            wrong.append(Complaint(str(path), lines[at], NUL))
        return yaml.CSafeLoader("").construct_object(node)
    data: dict[str, Any] = {}
    for key, value in node.value:
        if key.value in data:
            wrong.append(Complaint(str(path), key.start_mark.line + 1, f"`{key.value}` is given twice"))
        data[key.value] = _plain(value, (*at, key.value), lines, path, wrong)
    return data


def _line_below(lines: dict[Place, int], above: Place, place: Place) -> int:
    return _line(lines, (*above, *place))


def _line(lines: dict[Place, int], place: Place) -> int:
    while place not in lines and place:
        place = place[:-1]
    return lines.get(place, 1)


def _check(raw: _Raw, path: Path, parsed: Parsed) -> None:
    """Put an entry where it belongs: among the good ones, or its faults among the complaints."""
    try:
        entry: Any = SECTIONS[raw.section].model_validate(raw.data)
    except ValidationError as error:
        for fault in error.errors():
            parsed.complaints.append(Complaint(str(path), raw.line(fault["loc"]), _said(fault, raw.data)))
        parsed.broken.append(_id_of(raw.data))
        return
    parsed.complaints += [Complaint(str(path), raw.line(()), each) for each in _wrong(entry)]
    if misdated := _misdated(entry):
        parsed.complaints.append(Complaint(str(path), raw.line(()), misdated))
        entry = entry.model_copy(update={"date": None})
    parsed.entries.append(Found(raw.section, raw.line(()), entry))


def _has_nul(data: Any) -> bool:
    if isinstance(data, dict):
        return any(map(_has_nul, data.values()))
    return any(map(_has_nul, data)) if isinstance(data, list) else isinstance(data, str) and "\0" in data


def _wrong(entry: RecordEntry | RelationEntry) -> Iterator[str]:
    """What the models cannot know of an entry."""
    if entry.id in RESERVED:
        yield f"the id {entry.id!r} is taken, by a URL of the API"
    if isinstance(entry, RelationEntry):
        if entry.causality is None and entry.predicate == "caused":
            yield "`caused` needs `causality`: `explicit` where the text says so, else `implied`"
        if entry.causality is not None and entry.predicate != "caused":
            yield f"`causality` stands on `caused` alone, and not on {entry.predicate!r}"


def _misdated(entry: RecordEntry | RelationEntry) -> str | None:
    date: Date | None = getattr(entry, "date", None)
    try:
        if date:
            date.span()
    except dates.DateError as error:
        return f"date: {error}"
    return None


def _faults(model: type[BaseModel], data: Any) -> list[Any]:
    try:
        model.model_validate(data)
    except ValidationError as error:
        return list(error.errors())
    return []


def _id_of(entry: Any) -> str:
    return str(entry.get("id")) if isinstance(entry, dict) else ""


def _said(fault: Any, entry: Any) -> str:
    """What Pydantic found, as a curator reads it: the entry by its id, and what would be right."""
    loc, kind, given = fault["loc"], fault["type"], fault["input"]
    where = " ".join(part for part in (_id_of(entry), ".".join(map(str, loc))) if part and part != "None")
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


def _models(model: type[BaseModel]) -> list[type[BaseModel]]:
    return [model, *Entry.__subclasses__(), *RecordEntry.__subclasses__(), RelationEntry, RecordEntry]


def schema() -> str:
    """The JSON Schema of a pack's files, for editors."""
    body = {"$schema": "https://json-schema.org/draft/2020-12/schema", **PackFile.model_json_schema()}
    return re.sub(r"[ \t]+\n", "\n", json.dumps(body, indent=1, ensure_ascii=False)) + "\n"
