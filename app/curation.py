"""Packs from their files into a staging file, with everything checked: what the models ask of an entry, then what
entries say of each other, then the places in the texts."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from app import texts
from app.documents import Cites, Draft, Gathered, draft, folded, vocabulary
from app.pack import MOST, Chunk, Complaint, PackError, Parsed, chunks, files, parse
from app.packfile import Cite, PackEntry, SourceEntry
from app.spans import Span, SpanError, exact
from app.staging import Staging, connect, packed, unpacked
from app.texts import Kept, Places, SourceText
from app.workers import Workers, workers

Progress = Callable[[str, int, int], None]


UNREADABLE = (ValueError, TypeError, KeyError, AttributeError)
LARGE = 2_000_000
"""Bytes of packs that are worth starting processes for."""


def quiet(step: str, done: int, of: int) -> None:
    """Progress that nobody looks at."""


class Drafted(NamedTuple):
    """What a chunk adds to the staging file."""

    drafts: list[Draft]
    cites: Cites
    sources: list[tuple[Any, ...]]
    parsed: Parsed
    words: Counter[tuple[str, str]]


def drafted(task: tuple[Chunk, int]) -> Drafted:
    """The drafts of a chunk of a pack, by its number."""
    chunk, pack = task
    parsed, gathered, words = parse(chunk), Gathered(), Counter[tuple[str, str]]()
    drafts, sources = [], []
    # A chunk has fewer entries than bytes, so that no two entries get one number.
    for seq, found in enumerate(parsed.entries, chunk.number << 32):
        entry = found.entry
        drafts.append(draft(found, seq, pack, str(chunk.path)))
        gathered.add(seq, entry)
        words.update(vocabulary(found))
        if isinstance(entry, SourceEntry):
            sources.append((seq, pack, entry.id, entry.text, packed(entry.headings)))
    parsed.entries.clear()
    return Drafted(drafts, gathered.rows(), sources, parsed, words)


@dataclass
class Staged:
    """A pack that is in the staging file."""

    number: int
    folder: Path
    about: PackEntry
    words: Counter[tuple[str, str]] = field(default_factory=Counter)
    counts: dict[str, int] = field(default_factory=dict)
    spans: int = 0
    sources: int = 0
    held: int = 0
    sentences: int = 0
    uncited: list[Complaint] = field(default_factory=list)


class Made(NamedTuple):
    """Packs in a staging file, and the hands that work on it."""

    staging: Staging
    packs: list[Staged]
    workers: Workers


@contextmanager
def staged(
    folders: list[Path], source_dir: Path | None = None, place: Path | None = None, progress: Progress = quiet,
    *, cite: bool = False,
) -> Iterator[Made]:  # fmt: skip
    """Packs read into a staging file, for as long as it is needed: in the folder `place`, or where temporary files are.

    Raises PackError with everything that is wrong. With `cite`, places are found anew in the texts that are at hand,
    and `spans.json` need not agree.
    """
    if place:
        # What loads have left that were killed: there is nobody beside this one.
        for left in place.glob(".fasti-[0-9]*-*"):
            shutil.rmtree(left, ignore_errors=True)
    size = sum(path.stat().st_size for folder in folders for path in files(folder))
    # Where others' temporary files are, nothing is taken for a left one: it may be a load's into another database.
    made = TemporaryDirectory(prefix=f".fasti-{os.getpid()}-" if place else "fasti-load-", dir=place)
    with made as folder, workers(wanted=size > LARGE) as hands:
        staging = Staging(Path(folder) / "staging")
        try:
            yield Made(staging, stage(folders, source_dir, staging, hands, progress, cite=cite), hands)
        finally:
            staging.close()


def stage(
    folders: list[Path], source_dir: Path | None, staging: Staging, workers: Workers, progress: Progress = quiet,
    *, cite: bool = False,
) -> list[Staged]:  # fmt: skip
    """Read packs into the staging file, as `staged` says."""
    packs = _entries(folders, staging, workers, progress)
    progress("Numbering", 0, 0)
    staging.publish()
    staging.number()
    staging.publish()
    for pack in packs:
        progress(f"Finding the places in {pack.folder.name}", 0, 0)
        _places(pack, source_dir, staging, workers, cite=cite)
    _misplaced(staging)
    staging.stop_if_wrong()
    staging.place()
    staging.publish()
    for pack in packs:
        pack.counts = staging.counts(pack.number)
    return packs


def _entries(folders: list[Path], staging: Staging, workers: Workers, progress: Progress) -> list[Staged]:
    paths = [(number, path) for number, folder in enumerate(folders) for path in files(folder)]
    size, done = sum(path.stat().st_size for _, path in paths), 0
    abouts: list[list[PackEntry]] = [[] for _ in folders]
    words = [Counter[tuple[str, str]]() for _ in folders]
    tasks = list(_tasks(paths, staging))
    for (chunk, number), made in zip(tasks, workers.each(drafted, tasks), strict=True):
        staging.add("claim", [each.claim for each in made.drafts])
        staging.add("draft", [(each.claim[0], each.body) for each in made.drafts])
        staging.add("about", [(each.claim[0], *about) for each in made.drafts for about in enumerate(each.about)])
        staging.add_cites(number, *made.cites)
        staging.add("source", made.sources)
        staging.add("broken", [(name,) for name in made.parsed.broken])
        abouts[number] += made.parsed.abouts
        words[number] += made.words
        staging.complain(made.parsed.complaints)
        done += chunk.size
        progress("Reading", done, size)
    for folder, found in zip(folders, abouts, strict=True):
        if len(found) != 1:
            said = f"a pack has one `pack:` entry, and this one has {len(found)}"
            staging.complain([Complaint(str(folder), 1, said)])
    if any(len(found) != 1 for found in abouts):
        staging.stop_if_wrong()
    return [Staged(i, folder, abouts[i][0], words[i]) for i, folder in enumerate(folders)]


def _tasks(paths: list[tuple[int, Path]], staging: Staging) -> Iterator[tuple[Chunk, int]]:
    count = 0
    for number, path in paths:
        try:
            for chunk in chunks(path, count):
                yield chunk, number
                count = chunk.number + 1
        except PackError as error:
            staging.complain(error.complaints)


class Wanted(NamedTuple):
    """A source whose places are to be found."""

    staging: Path
    folder: Path
    pack: int
    seq: int
    id: str
    path: Path | None
    headings: list[str]
    alone: bool
    cite: bool


class Found(NamedTuple):
    """What was found in the text of a source. Passages are numbered from 0 here."""

    source: str
    located: list[tuple[Any, ...]]
    faults: list[tuple[int, str]]
    passages: list[tuple[Any, ...]]
    info: dict[str, Any]
    blocks: tuple[str, str]
    sizes: int
    same: bool
    spans: int
    uncited: list[Complaint]
    words: Counter[tuple[str, str]]


def _places(pack: Staged, source_dir: Path | None, staging: Staging, workers: Workers, *, cite: bool) -> None:
    sources = list(staging.rows("SELECT seq, id, text, headings FROM source WHERE pack = ? ORDER BY seq", pack.number))
    if not sources and not staging.complaints:
        staging.complain([Complaint(str(pack.folder), 1, "a pack has at least one source")])
    kept = _kept_file(pack.folder, cite=cite)
    alone = len(sources) == 1
    tasks = []
    for seq, name, text, headings in sources:
        path = _text(pack.folder, source_dir, text, alone=alone)
        if path is None and (kept is None or name not in kept.sources):
            said = f"its text {text!r} is not at hand: put it in the folder, or set FASTI_SOURCE_DIR"
            [(at, line)] = staging.rows("SELECT path, line FROM claim WHERE seq = ?", seq)
            staging.complain([Complaint(at, line, said)])
            continue
        tasks.append(Wanted(staging.path, pack.folder, pack.number, seq, name, path, unpacked(headings), alone, cite))
    _unsourced(pack, staging, [name for _, name, _, _ in sources])
    same, sizes, placed = True, 0, True
    for wanted, found in zip(tasks, workers.each(located, tasks), strict=True):
        _keep(pack, staging, wanted, found)
        same, sizes, placed = same and found.same, sizes + found.sizes, placed and not found.faults
    if not cite and placed and not staging.complaints:
        names = [name for _, name, _, _ in sources]
        if kept is None or not same or list(kept.sources) != names or not kept.holds(sizes - 2):
            said = "is missing or out of date: run `fasti cite`"
            staging.complain([Complaint(str(pack.folder / texts.SPANS), 1, said)])
        staging.complain(pack.uncited)


def _keep(pack: Staged, staging: Staging, wanted: Wanted, found: Found) -> None:
    base = staging.one("SELECT coalesce(max(number), 0) + 1 FROM passage")
    staging.add("located", [(*each[:4], base + each[4], each[5]) for each in found.located])
    staging.add("fault", found.faults)
    passages = [
        (base + at, wanted.seq, name, start, None, body) for at, (name, start, body) in enumerate(found.passages)
    ]
    staging.add("passage", passages)
    staging.add("info", [(wanted.seq, packed(found.info))])
    if wanted.cite:
        staging.add("block", [(pack.number, wanted.id, *found.blocks)])
    pack.words += found.words
    pack.spans += found.spans
    pack.sources += 1
    pack.held += wanted.path is not None
    pack.sentences += found.info["sentence_count"]
    pack.uncited += found.uncited


def _kept_file(folder: Path, *, cite: bool) -> Kept | None:
    path = folder / texts.SPANS
    try:
        return _kept(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return None
    except UNREADABLE as error:
        if cite:
            return None
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> PackError:
    return PackError([Complaint(str(path), 1, f"cannot be read ({error!r}): run `fasti cite`")])


@lru_cache(4)
def _kept(path: Path, _: int) -> Kept:
    return Kept(path)


def _text(folder: Path, source_dir: Path | None, text: str, *, alone: bool) -> Path | None:
    """Where a source's text is; `source.txt` is the text of a source that is alone in its pack."""
    names = [text, *["source.txt"] * alone]
    places = [folder / name for name in names]
    if source_dir:
        places += [source_dir / folder.name / name for name in names] + [source_dir / text]
    return next((path for path in places if path.is_file()), None)


def _unsourced(pack: Staged, staging: Staging, names: list[str]) -> None:
    """Faults of what names no source, or one that is not there."""
    known = {*names} | ({""} if len(names) == 1 else set())
    for number, source, body in staging.rows("SELECT number, source, cite FROM fragment WHERE pack = ?", pack.number):
        if names and source not in known:
            cite = _cite(body)
            several = f"{cite.fragment!r} must say its `source`, since the pack has several"
            staging.add("fault", [(number, f"there is no source {source!r}" if source else several)])


def _cite(body: bytes) -> Cite:
    phrase, starts, ends, occurrence = unpacked(body)
    return Cite.model_construct(phrase=phrase, starts=starts, ends=ends, occurrence=occurrence, source=None)


def located(wanted: Wanted) -> Found:
    """Find the places in a source that are cited."""
    kept = _kept_file(wanted.folder, cite=wanted.cite)
    source, old = _source(wanted, kept)
    cites = {number: _cite(body) for number, body in _fragments(wanted)}
    places = Places(wanted.id, source, old, list(cites.values()))
    rows, faults, spans = [], [], dict[str, Span]()
    for number, cite in cites.items():
        try:
            span, passage = places.place(cite)
        except SpanError as error:
            faults.append((number, str(error)))
            continue
        spans[texts.key(wanted.id, cite)] = span
        words = places.exact(span)
        body = _said(source, cite, span, passage, words)
        rows.append((number, folded(words or cite.fragment), span.start, span.end, passage, packed(body)))
    cited = texts.cited_sentences(source, spans.values())
    blocks = texts.source_block(wanted.id, source), texts.span_block(spans)
    encoded = [block.encode() for block in blocks]
    same = kept is not None and encoded == [kept.block(kept.sources, wanted.id), kept.block(kept.spans, wanted.id)]
    return Found(
        wanted.id, rows, faults, list(_passages(wanted.id, source, cited)), _info(source, cited),
        blocks if wanted.cite else ("", ""), sum(len(each) + bool(each) for each in encoded), same, len(spans),
        list(_uncited(wanted, source, cited)), Counter(("section", passage.section) for passage in source.passages),
    )  # fmt: skip


def _source(wanted: Wanted, kept: Kept | None) -> tuple[SourceText, dict[str, Span]]:
    """The text of a source; or where it is not at hand, what is kept of it and of the places in it."""
    if wanted.path is not None or kept is None:
        return texts.cut(wanted.path or Path(), wanted.headings), {}
    try:
        return kept.source(wanted.id), kept.spans_of(wanted.id)
    except UNREADABLE as error:
        raise _unreadable(kept.path, error) from None


def _fragments(wanted: Wanted) -> list[tuple[int, bytes]]:
    connection = connect(wanted.staging)
    names = (wanted.id, "" if wanted.alone else wanted.id)
    query = "SELECT number, cite FROM fragment WHERE pack = ? AND source IN (?, ?)"
    try:
        return connection.execute(query, (wanted.pack, *names)).fetchall()
    finally:
        connection.close()


def _said(source: SourceText, cite: Cite, span: Span, passage: int, words: str | None) -> dict[str, Any]:
    """What every citation of a fragment says."""
    whole = exact(cite.fragment, span.sha256) if cite.phrase else None
    return {
        "section": source.section_of(source.passages[passage])._asdict(),
        "paragraph": passage + 1,
        **span._asdict(),
        "utf16_start": source.utf16(span.start),
        "utf16_end": source.utf16(span.end),
        "fragment": whole or cite.fragment,
        "status": "unverified" if source.text is None else "verified",
        "exact": whole if words is None else words,
    }


def _passages(name: str, source: SourceText, cited: set[int]) -> Iterator[tuple[str, int, bytes]]:
    for number, passage in enumerate(source.passages, 1):
        key = f"{name}-p{number}"
        text = None if source.text is None else source.text[passage.start : passage.end]
        sentences = [
            {"start": start - passage.start, "end": end - passage.start, "cited": start in cited}
            for start, end in passage.sentences
        ]
        body = {
            "id": key,
            "section": source.section_of(passage)._asdict(),
            "paragraph": number,
            "start": passage.start,
            "end": passage.end,
            "sha256": passage.sha256,
            "text_available": text is not None,
            "text": text,
            "sentences": sentences,
            "url": f"/v1/passages/{key}",
        }
        yield key, passage.start, packed((source.utf16(passage.start), body))


def _info(source: SourceText, cited: set[int]) -> dict[str, Any]:
    return {
        "text_available": source.text is not None,
        "sha256": source.sha256,
        "length": source.length,
        "sections": [section._asdict() for section in source.sections],
        "sentence_count": sum(len(passage.sentences) for passage in source.passages),
        "cited_sentence_count": len(cited),
    }


def _uncited(wanted: Wanted, source: SourceText, cited: set[int]) -> Iterator[Complaint]:
    """A complaint for each sentence that no citation touches, at its place in the text."""
    for start, end in (each for passage in source.passages for each in passage.sentences):
        if start in cited:
            continue
        if source.text is None:
            place, line, words = str(wanted.folder / texts.SPANS), 1, f"of {wanted.id!r} from {start} to {end}"
        else:
            place, line = str(source.path), source.text.count("\n", 0, start) + 1
            words = "“" + " ".join(source.text[start:end].split()[:6]) + " …”"
        yield Complaint(place, line, f"no citation touches the sentence {words}: each must support something")


def _misplaced(staging: Staging) -> None:
    """Complain, where it is cited, of what is found nowhere; and of aliases that are not in the words they cite."""
    faults = f"""
        SELECT DISTINCT path, line, message FROM fault JOIN cite USING (fragment) JOIN claim USING (seq)
        ORDER BY seq LIMIT {MOST + 1}"""
    staging.complain(Complaint(path, line, f"cite: {said}") for path, line, said in staging.rows(faults))
    aliases = f"""
        SELECT path, line, alias FROM cite JOIN located USING (fragment) JOIN claim USING (seq)
        WHERE alias IS NOT NULL GROUP BY seq, alias HAVING max(instr(called, folded)) = 0 LIMIT {MOST + 1}"""
    for path, line, alias in staging.rows(aliases):
        staging.complain([Complaint(path, line, f"alias: {alias!r} is not in the words that it cites")])


def cite(folder: Path, source_dir: Path | None = None, progress: Progress = quiet) -> Staged:
    """Find each citation's place in the texts, and write them down in the pack's `spans.json`."""
    with staged([folder], source_dir, progress=progress, cite=True) as made:
        sources = made.staging.rows("SELECT source FROM block ORDER BY rowid")
        spans = made.staging.rows("SELECT spans FROM block ORDER BY id")
        # Beside the old one, then in its place: what stands there is whole at any moment.
        aside = folder / f"{texts.SPANS}.new"
        with aside.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(texts.written((each for (each,) in sources), (each for (each,) in spans)))
        aside.replace(folder / texts.SPANS)
        return made.packs[0]
