"""The benchmark's made-up pack is the same everywhere, is a pack, and is as uneven as it says."""

import json
import re
import sqlite3
from collections import Counter
from contextlib import closing
from hashlib import sha256
from itertools import islice

import pytest

from app.analysis import stem
from app.load import load
from app.settings import Settings
from tests.bench import loading, mix, pack, table
from tests.bench.words import SENTENCES, WORDS, text


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench") / "bench"
    pack.write(folder, 30)
    return folder


def lines(folder, section):
    return [json.loads(line) for line in (folder / f"{section}.ndjson").read_text("utf-8").splitlines()]


def test_the_pack_of_a_size_is_the_same_wherever_it_is_made(folder):
    """These are what the README's figures were measured over: a change makes other ones of them."""
    names = ("events.ndjson", "relations.ndjson", "spans.json", "source.txt")
    found = {name: sha256((folder / name).read_bytes()).hexdigest()[:12] for name in names}
    assert found == {
        "events.ndjson": "35622a93a531", "relations.ndjson": "7916ba63531d", "spans.json": "c87c92d74a8c",
        "source.txt": "5e1c3965ef3c",
    }  # fmt: skip


def test_it_is_a_pack_that_can_be_loaded(folder, tmp_path):
    """Which it could not be if an entry, a reference or a span were wrong, or a sentence cited by nothing."""
    target = tmp_path / "fasti.db"
    load(Settings(database_url=f"sqlite:///{target}", seed_dir=folder.parent, source_dir=None))
    with closing(sqlite3.connect(target)) as connection:
        assert dict(connection.execute("SELECT kind, count(*) FROM record GROUP BY kind").fetchall()) == {
            "event": 30, "person": 5, "organization": 5, "place": 5, "policy": 5, "estimate": 5, "quote": 5,
            "source": 1,
        }  # fmt: skip
        assert connection.execute("SELECT count(*) FROM relation").fetchone() == (60,)
        assert connection.execute("SELECT DISTINCT status FROM citation").fetchall() == [("verified",)]


def test_the_bare_way_writes_the_words_of_search_too(tmp_path):
    """An index of words gives back the rows it was filled with, and what it keeps of itself is no table of ours."""
    rows = [(16, "the great | leap =great =leap #event"), (33, "leap leap | #person")]
    with closing(sqlite3.connect(tmp_path / "words.db")) as connection:
        connection.execute("CREATE TABLE entry (pk INTEGER PRIMARY KEY, hit TEXT)")
        connection.execute(
            "CREATE VIRTUAL TABLE entry_index_0 USING fts5(tokens, content='', columnsize=0, "
            "tokenize=\"ascii tokenchars '|=@<^$#_'\")"
        )
        connection.executemany("INSERT INTO entry_index_0 (rowid, tokens) VALUES (?, ?)", rows)
        found = {name: (columns, query) for name, columns, query in loading.tables(connection)}
        assert {name: columns for name, (columns, _) in found.items()} == {
            "entry": '"pk", "hit"', "entry_index_0": "rowid, tokens",
        }  # fmt: skip
        assert connection.execute(found["entry_index_0"][1]).fetchall() == rows


def test_entries_cite_one_to_four_places():
    cites = Counter(len(entry["cite"]) for entry in islice(pack.World(2_000).section("events"), 2_000))
    assert set(cites) == {1, 2, 3, 4}
    assert cites[1] > cites[2] > cites[3] > cites[4]


def test_dates_are_of_every_sort_and_crowd_in_the_last_decades():
    dated = [(entry.get("date") or {}).get("edtf") for entry in pack.World(3_000).section("events")]
    given = [edtf for edtf in dated if edtf]
    forms = {re.sub(r"\d", "1", edtf) for edtf in given}
    assert forms >= {"1111", "1111-11", "1111-11-11", "111X", "1111/1111", "[..1111]", "[1111..]", "1111/..", "../1111",
                     "1111/", "1111~", "-1111"}  # fmt: skip
    assert 0.08 < dated.count(None) / len(dated) < 0.12
    recent = sum((re.search(r"-?\d{4}|-?\d{3}", edtf) or [""])[0] >= "1970" for edtf in given)
    assert recent / len(given) > 0.5


def test_a_few_people_take_part_in_much():
    ties = Counter(tie["subject"] for tie in pack.World(2_000).section("relations") if tie["subject"][:6] == "person")
    assert [name for name, _ in ties.most_common(2)] == ["person-0000000", "person-0000001"]
    assert ties["person-0000000"] / ties.total() > 0.1


def test_some_words_are_in_most_summaries_and_others_in_hardly_any():
    said = Counter(word for entry in pack.World(2_000).section("events")
                   for word in set(entry["summary"].rstrip(".").casefold().split()))  # fmt: skip
    assert said[WORDS[0]] > 1_900
    assert said[WORDS[3]] > 1_000
    assert 0 < sum(said[word] for word in WORDS[30_000:31_000]) < 1_000
    assert len({stem(word) for word in WORDS}) == len(WORDS)


def test_every_phrase_stands_once_in_a_text_that_is_bounded():
    made = text(SENTENCES)
    words = Counter(re.findall(r"\w+", made.content.casefold()))
    cited = [phrase for both in made.phrases for phrase in both]
    assert len(cited) == 2 * SENTENCES
    assert {min(words[word] for word in phrase.split()) for phrase in cited} == {1}
    assert len(pack.World(10 * SENTENCES).text.content) == len(made.content) < 400_000


def test_the_same_questions_are_asked_each_time_and_most_are_asked_once(folder):
    drawn = mix.drawn_from(folder, 30)
    for query in mix.QUERIES:
        asked = mix.ask(query, drawn)
        assert asked == mix.ask(query, drawn)
        assert len(set(asked)) == len(asked)
    assert len({query.key for query in mix.QUERIES}) == len(mix.QUERIES)
    assert len({query.title for query in mix.QUERIES}) == len(mix.QUERIES)


def test_a_run_writes_the_cells_it_measured_and_no_other(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{table.BEGIN}\n{table.END}\nafter\n")
    table.update(readme, {"one": {"× raw": "0.5", "× tutorial": "7.0"}}, ["one", "two"])
    table.update(readme, {"two": {"× raw": "0.1"}, "one": {"× raw": "0.6"}}, ["one", "two"])
    assert table.read(readme.read_text()) == {
        "one": dict.fromkeys(table.COLUMNS, "") | {"× raw": "0.6", "× tutorial": "7.0"},
        "two": dict.fromkeys(table.COLUMNS, "") | {"× raw": "0.1"},
    }
    assert readme.read_text().startswith(f"before\n{table.BEGIN}\n| question |")
    assert readme.read_text().endswith(f"|\n{table.END}\nafter\n")
