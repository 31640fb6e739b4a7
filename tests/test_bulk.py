"""Packs with an entry a line: the same database as of YAML, the same complaints, and no more memory."""

import hashlib
import json
import os
import pickle
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from app import curation, fingerprints, pack, texts
from app.curation import cite, staged
from app.load import load, stored_revision
from app.pack import CHUNK, MOST, SECTIONS, PackError, chunks
from app.settings import ROOT, Settings
from app.spans import Span

IDES = ROOT / "tests" / "packs" / "ides"
SEED = ROOT / "seed" / "great-leap-forward"
TEXT = "Brutus struck first. Caesar fell on the steps, men say.\n"
ABOUT = {"id": "ides", "title": "Ides", "description": "A test.", "licence": "CC0", "citation": "Ides"}
SOURCE = {"id": "tale", "name": "Tale", "summary": "S.", "type": "tale", "licence": "L", "cite": ["men say"]}
BRUTUS = {"id": "brutus", "name": "Brutus", "summary": "A striker.", "cite": ["Brutus struck"]}
FALL = {"id": "fall", "name": "Fall", "type": "death", "summary": "He fell.", "cite": ["Caesar fell"]}


def in_lines(source, target, parts=1):
    """A pack of YAML files as one with an entry a line, in so many files a section."""
    target.mkdir(parents=True)
    for path in [*source.glob("*.txt"), source / "spans.json"]:
        shutil.copy(path, target)
    sections: dict[str, list[dict[str, object]]] = {}
    for path in sorted(source.glob("*.yaml")):
        for name, part in yaml.safe_load(path.read_text("utf-8")).items():
            sections.setdefault(name, []).extend([part] if name == "pack" else part)
    (target / "pack.yaml").write_text(json.dumps({"pack": sections.pop("pack")[0]}), "utf-8")
    for name, entries in sections.items():
        for number in range(parts):
            share = entries[len(entries) * number // parts : len(entries) * (number + 1) // parts]
            lines = "\n\n".join(json.dumps(entry, ensure_ascii=number == 0) for entry in share)
            (target / f"{name}{'' if parts == 1 else f'-{number}'}.ndjson").write_text(lines, "utf-8")


def dump(folder, seed):
    """All rows of the database that is loaded of a folder of packs, but for the name of the revision."""
    database = folder / "fasti.db"
    load(Settings(database_url=f"sqlite:///{database}", seed_dir=seed, source_dir=None))
    connection = sqlite3.connect(database)
    [(revision, document)] = connection.execute("SELECT * FROM revision")
    # The index of words keeps no rows of its own, but is stored in tables that are looked at here.
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'revision' AND sql NOT LIKE '%VIRTUAL%'"
    )
    rows = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for (name,) in tables.fetchall()}
    connection.close()
    return rows, document.replace(revision, "")


@pytest.fixture
def several(monkeypatch):
    """Packs of any size are read in small chunks, by several processes."""
    monkeypatch.setattr(curation, "LARGE", 0)
    monkeypatch.setattr(pack, "CHUNK", 5_000)
    monkeypatch.setattr("os.cpu_count", lambda: 2)


@pytest.mark.parametrize("source", [IDES, SEED], ids=lambda path: path.name)
def test_lines_give_the_same_database_as_yaml(tmp_path, source):
    shutil.copytree(source, tmp_path / "yaml" / "pack")
    in_lines(source, tmp_path / "lines" / "pack")
    in_lines(source, tmp_path / "parts" / "pack", parts=3)
    expected = dump(tmp_path, tmp_path / "yaml")
    assert len(expected[0]["record"]) > 10
    assert dump(tmp_path, tmp_path / "lines") == expected
    assert dump(tmp_path, tmp_path / "parts") == expected


@pytest.mark.usefixtures("several")
def test_several_processes_make_the_same_database_as_one(tmp_path, monkeypatch):
    in_lines(SEED, tmp_path / "seed" / "pack")
    by_several = dump(tmp_path, tmp_path / "seed")
    monkeypatch.undo()
    (tmp_path / "fasti.db").unlink()
    assert by_several == dump(tmp_path, tmp_path / "seed")


def test_chunks_are_whole_lines_and_all_of_them(tmp_path, monkeypatch):
    monkeypatch.setattr(pack, "CHUNK", 10)
    path = tmp_path / "events-1.ndjson"
    lines = [b"x" * length for length in (3, 30, 0, 9, 10, 1)]
    path.write_bytes(b"\n".join(lines))
    found = list(chunks(path, 7))
    assert [(chunk.number, chunk.section) for chunk in found] == [(7 + i, "events") for i in range(len(found))]
    held = [path.read_bytes()[chunk.offset : chunk.offset + chunk.size] for chunk in found]
    assert b"".join(held) == path.read_bytes()
    assert [(chunk.line, block.splitlines()[0]) for chunk, block in zip(found, held, strict=True)] == [
        (chunk.line, lines[chunk.line - 1]) for chunk in found
    ]
    assert len(found) > 2
    assert CHUNK == 1_000_000


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "ides"
    path.mkdir()
    (path / "source.txt").write_text(TEXT, "utf-8")
    (path / "pack.yaml").write_text(json.dumps({"pack": ABOUT, "sources": [SOURCE], "people": [BRUTUS]}), "utf-8")
    return path


def complaints(folder):
    with pytest.raises(PackError) as caught, staged([folder], cite=True):
        pass
    return [str(complaint).removeprefix(f"{folder}/") for complaint in caught.value.complaints]


def lines(folder, section, *entries):
    text = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in entries)
    (folder / f"{section}.ndjson").write_text(text + "\n", "utf-8")


def test_each_fault_is_told_with_its_line_and_hides_no_other(folder):
    ever = {"subject": "brutus", "predicate": "preceded", "object": "fall", "cite": ["men say"]}
    lines(
        folder, "events",
        FALL,
        FALL | {"id": "b", "nam": "B"},
        "{",
        FALL | {"id": "brutus"},
        "",
        FALL | {"id": "d", "date": {"text": "then", "edtf": "1962/1957"}},
        FALL | {"id": "e", "cite": ["Caesar rose"]},
        FALL | {"id": "f", "attributed_to": "bruto"},
        '{"id": "g", "id": "g", "name": "G", "type": "t", "summary": "S.", "cite": ["men say"]}',
        FALL | {"id": "h", "type": 5},
        "[]",
        '{"id": NaN}',
        FALL | {"id": "compare"},
        FALL | {"id": "k", "cite": []},
        FALL | {"id": "l", "cite": [{"phrase": "men say", "source": "other"}]},
        FALL | {"id": "m", "aliases": [{"name": "Cassius", "in_source": True, "cite": ["Brutus struck"]}]},
        FALL | {"id": "n", "date": {"text": "then", "relative_to": "nobody"}},
        FALL | {"id": "o", "summary": "\ud800"},
        FALL | {"id": "p", "summary": "S\0"},
    )  # fmt: skip
    lines(
        folder, "relations",
        ever,
        ever,
        ever | {"object": "b"},
        ever | {"object": "nothing"},
        ever | {"predicate": "caused"},
        ever | {"predicate": "led"},
    )  # fmt: skip
    lines(
        folder,
        "quotes",
        {"id": "q", "name": "Q", "summary": "S.", "text": "T.", "about": ["none"], "cite": ["men say"]},
    )
    ratio = {"id": "r", "name": "R", "summary": "S.", "type": "ratio", "measure": "m", "cite": ["men say"]}
    lines(folder, "estimates", ratio | {"subject": "fall", "place": "brutus"})
    lines(folder, "plcaes", {})
    found = complaints(folder)
    told = {tuple(each.split(":", 2)[:2]): each.split(":", 2)[2].strip() for each in found}
    assert [at for at in told if at[0] == "events.ndjson"] == sorted(
        (("events.ndjson", str(line)) for line in range(2, 20) if line != 5),
        key=lambda at: list(told).index(at),
    )
    events = {int(line): said for (name, line), said in told.items() if name == "events.ndjson"}
    assert events[2] == "b nam: there is no such key; did you mean `name`?"
    assert events[3].startswith("is not JSON in UTF-8: ")
    assert events[4] == f"the id 'brutus' is taken, by the person at {folder}/pack.yaml:1"
    assert "runs backwards" in events[6]
    assert events[7] == "cite: 'Caesar rose' does not occur in the text"
    assert events[8] == "attributed_to: there is no 'bruto'; did you mean 'brutus'?"
    assert events[9] == "`id` is given twice"
    assert events[10] == "h type: 5 is not text: put it in quotes"
    assert events[12] == "is not JSON in UTF-8: NaN is no number"
    assert events[13] == "the id 'compare' is taken, by a URL of the API"
    assert events[15] == "cite: there is no source 'other'"
    assert events[16] == "alias: 'Cassius' is not in the words that it cites"
    assert events[17] == "date.relative_to: there is no 'nobody'"
    assert events[19] == "has a NUL character, which no database keeps"
    relations = {int(line): said for (name, line), said in told.items() if name == "relations.ndjson"}
    # What is wrong with an entry is told where it stands, and no reference to it is called dangling.
    assert sorted(relations) == [2, 4, 5, 6]
    assert relations[2] == "the relation 'brutus.preceded.fall' is there twice: give one of them an `id`"
    assert told["quotes.ndjson", "1"] == "about: there is no 'none'"
    assert told["estimates.ndjson", "1"] == "place: 'brutus' is of the kind person, and place is wanted"
    assert told["plcaes.ndjson", "1"] == "the file's name begins with no section; did you mean `places`?"


def test_complaints_have_an_end(folder):
    lines(folder, "events", *({"id": f"e{number}"} for number in range(1_000)))
    assert len(complaints(folder)) == MOST


@pytest.mark.parametrize("number", [MOST, MOST + 1])
def test_that_there_are_more_complaints_is_told(folder, number):
    """Whether they are those of entries, or of what entries say of each other, which SQL looks for."""
    nobodies = [FALL | {"id": f"e{each}", "attributed_to": "nobody"} for each in range(number)]
    faults = [FALL | {"id": f"e{each}", "type": "No word"} for each in range(number)]
    for entries in (nobodies, faults):
        lines(folder, "events", *entries)
        with pytest.raises(PackError) as caught, staged([folder], cite=True):
            pass
        for error in (caught.value, pickle.loads(pickle.dumps(caught.value))):
            assert (len(error.complaints), error.more) == (MOST, number > MOST)
            assert str(error).splitlines()[MOST:] == ["and more"] * (number > MOST)


def test_every_section_may_have_lines():
    kinds = ["events", "people", "policies", "estimates", "organizations", "places", "quotes", "sources"]
    assert list(SECTIONS) == [*kinds, "relations"]


def test_a_line_that_is_not_utf8_is_told(folder):
    (folder / "events.ndjson").write_bytes(json.dumps(FALL).encode() + b'\n{"id": "\xff"}\n')
    assert [each.split(" ")[0] for each in complaints(folder)] == ["events.ndjson:2:"]


def test_a_mark_of_the_order_of_bytes_is_passed_over(folder):
    lines(folder, "events", FALL)
    path = folder / "events.ndjson"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    with staged([folder], cite=True) as made:
        assert made.packs[0].counts["event"] == 1


def test_spans_are_written_as_json_is_indented():
    spans = {f"src | {words} | {n}": Span(n, 2 * n, "ab" * 32) for n, words in enumerate(("“é” 毛", 'a "b"', "\\ /"))}
    whole = json.dumps({"": {key: list(spans[key]) for key in sorted(spans)}}, indent=1, ensure_ascii=False)
    assert '{\n "": {' + texts.span_block(spans) + "\n }\n}" == whole
    assert texts.span_block({}) == ""


def test_spans_of_several_sources_stand_together_and_are_found_again(folder):
    names = ["a", "a1", "a-b", "b"]
    sources = [SOURCE | {"id": name, "text": f"{name}.txt", "cite": [{"phrase": "men say", "source": name},
                         {"phrase": "Brutus struck", "source": name}]} for name in names]  # fmt: skip
    for name in names:
        (folder / f"{name}.txt").write_text(TEXT, "utf-8")
    (folder / "pack.yaml").write_text(json.dumps({"pack": ABOUT}), "utf-8")
    lines(folder, "sources", *sources)
    assert cite(folder).spans == 8
    kept = json.loads((folder / "spans.json").read_text("utf-8"))
    assert list(kept["sources"]) == names
    assert list(kept["spans"]) == sorted(kept["spans"])
    for name in names[1:]:
        (folder / f"{name}.txt").unlink()
    with staged([folder]) as made:
        assert (made.packs[0].spans, made.packs[0].held) == (8, 1)
    text = (folder / "spans.json").read_text("utf-8")
    for wrong in (text.replace('"b | men say | 1"', '"c | men say | 1"'), text.replace("\n }\n}", ",\n \n }\n}"),
                  text.replace('"a": {', '"z": {', 1)):  # fmt: skip
        (folder / "spans.json").write_text(wrong, "utf-8")
        with pytest.raises(PackError), staged([folder]):
            pass


LOADING = """
import os, signal, sqlite3, sys, time
from multiprocessing import active_children
from pathlib import Path
from app import curation, entering, load, pack
from app.settings import Settings
curation.LARGE, pack.CHUNK, os.cpu_count = 0, 5_000, lambda: 2
def killed(*_):
    print(*[each.pid for each in active_children()], flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
def broken(*_):
    raise sqlite3.OperationalError("it breaks here")
def endless(*_):
    time.sleep(1_000)
def gone(*_):
    os.kill(os.getpid(), signal.SIGKILL)
{instead}
if __name__ == "__main__":
    folder = Path(sys.argv[1])
    load.load(Settings(database_url=f"sqlite:///{folder / 'fasti.db'}", seed_dir=folder / "seed", source_dir=None))
"""


@pytest.fixture
def loading(tmp_path):
    """A load by several processes in which something is done `instead`, onto an old revision: its settings, how it
    ended, and what it said."""
    in_lines(SEED, tmp_path / "seed" / "pack")
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'fasti.db'}", seed_dir=tmp_path / "seed", source_dir=None)
    before = load(settings).revision
    (tmp_path / "seed" / "pack" / "more.yaml").touch()

    def run(instead):
        (tmp_path / "loading.py").write_text(LOADING.replace("{instead}", instead), "utf-8")
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, tmp_path / "loading.py", tmp_path]
        done = subprocess.run(command, env=environment, capture_output=True, timeout=300, check=False)
        assert stored_revision(settings) == before
        return settings, done

    return run


@pytest.mark.parametrize(
    ("instead", "said"),
    [
        ("entering._apart = broken", b"OperationalError: it breaks here"),
        ("load._count = broken\nentering._apart = endless", b"OperationalError: it breaks here"),
        ("entering._apart = gone", b"BrokenProcessPool: "),
    ],
    ids=["beside it", "while something is done beside it", "with what was to do it"],
)
def test_a_load_that_breaks_off_waits_for_nothing_and_leaves_nothing(loading, tmp_path, instead, said):
    _, done = loading(instead)
    assert (done.returncode, said in done.stderr) == (1, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fasti.db", "loading.py", "seed"]


@pytest.mark.parametrize(
    "instead", ["load._write = killed", "load._count = killed\nentering._apart = endless"], ids=["early", "late"]
)
def test_a_load_that_is_killed_leaves_the_old_revision_and_the_next_one_tidies_up(loading, tmp_path, instead):
    settings, done = loading(instead)
    assert done.returncode == -signal.SIGKILL
    hands = [int(number) for number in done.stdout.split()]
    assert len(hands) == 2
    until = time.monotonic() + 60
    while any(map(is_running, hands)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(map(is_running, hands))
    assert len(list(tmp_path.glob(".fasti-*"))) == len(list(tmp_path.glob("fasti.db.*.new"))) == 1
    assert load(settings).changed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fasti.db", "loading.py", "seed"]


def is_running(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def test_a_large_file_is_hashed_again_only_when_it_is_another(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(fingerprints, "LARGE", 10)
    monkeypatch.setattr(fingerprints, "SETTLED", -1)
    hashed: list[str] = []

    def digest(file, name):
        hashed.append(file.name)
        return hashlib.file_digest(file, name)

    monkeypatch.setattr("app.fingerprints.file_digest", digest)
    lines(folder, "events", FALL)
    memory = tmp_path / "digests"

    def taken():
        hashed.clear()
        found = fingerprints.Fingerprints(memory)
        name = found.of(folder, None)
        found.keep()
        return name, [Path(each).name for each in hashed]

    first, read = taken()
    assert read == ["pack.yaml", "events.ndjson", "source.txt"]
    assert taken() == (first, [])
    path = folder / "events.ndjson"
    old = path.stat()
    path.write_text(path.read_text("utf-8").replace("death", "birth"), "utf-8")
    second, read = taken()
    assert (second != first, read) == (True, ["events.ndjson"])
    # The same size and time in another file: its number tells.
    (folder / "other").write_text(path.read_text("utf-8").replace("birth", "feast"), "utf-8")
    os.utime(folder / "other", ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    (folder / "other").replace(path)
    assert taken()[0] not in (first, second)
    assert old.st_size == path.stat().st_size
    memory.write_text("{", "utf-8")
    assert len(taken()[1]) == 3


def test_a_file_that_changed_just_now_is_not_remembered(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(fingerprints, "LARGE", 10)
    monkeypatch.setattr(fingerprints, "SETTLED", 10**18)
    found = fingerprints.Fingerprints(tmp_path / "digests")
    found.of(folder, None)
    found.keep()
    assert not (tmp_path / "digests").exists()
