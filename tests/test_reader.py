"""What a pack may not say: each mistake is refused with its file, its line and what would be right."""

import pytest

from app.pack import PackError, fingerprint, folders, read

TEXT = (
    "Brutus struck first. Caesar fell on the steps, men say.\n\n"
    "Later Years\n"
    "Antony spoke. Antony wept; Rome burned slowly then.\n"
)
GOOD = """\
pack: {id: ides, title: Ides, description: A test., licence: CC0, citation: Ides}
sources:
  - {id: tale, name: Tale, summary: A tale., type: tale, licence: ours, headings: [Later Years], cite: [men say]}
people:
  - {id: brutus, name: Brutus, summary: A striker., cite: [Brutus struck]}
  - {id: antony, name: Antony, summary: A speaker., cite: [Antony spoke, {phrase: Antony, occurrence: 2}]}
relations:
  - {subject: brutus, predicate: preceded, object: antony, cite: [{starts: Brutus, ends: steps}]}
"""


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "ides"
    path.mkdir()
    (path / "source.txt").write_text(TEXT, "utf-8")
    return path


def build(folder, text):
    (folder / "pack.yaml").write_text(text, "utf-8")
    pack = read(folder, cite=True)
    (folder / "spans.json").write_text(pack.generated(), "utf-8")
    return pack


def test_a_good_pack_reads_with_and_without_its_text(folder):
    pack = build(folder, GOOD)
    assert [entry.id for _, entry in pack.records] == ["brutus", "antony", "tale"]
    source = pack.sources["tale"]
    assert [TEXT[p.start : p.end] for p in source.passages] == [TEXT.split("\n")[0], TEXT.split("\n")[3]]
    assert [s.id for s in source.sections] == ["lead", "later-years"]
    assert [len(p.sentences) for p in source.passages] == [2, 2]
    assert read(folder).uncited() == []
    before = fingerprint(folder, None)
    (folder / "source.txt").unlink()
    assert read(folder).spans == pack.spans
    assert fingerprint(folder, None) != before
    assert folders(folder.parent) == [folder]


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("name: Brutus,", "nam: Brutus,", 5, "did you mean `name`"),
        ("object: antony", "object: anthony", 8, "there is no 'anthony'; did you mean 'antony'?"),
        ("id: antony", "id: brutus", 6, "is taken, by the person at"),
        ("predicate: preceded", "predicate: caused", 8, "`caused` needs `causality`"),
        ("object: antony,", "object: antony, causality: implied,", 8, "stands on `caused` alone"),
        ("predicate: preceded", "predicate: preceeded", 8, "did you mean `preceded`?"),
        ("name: Brutus,", "name: 1957-01-01,", 5, "brutus name: 1957-01-01 is not text: put it in quotes"),
        ("name: Brutus, ", "", 5, "brutus name: is missing"),
        ("[Brutus struck]", "[Brutus hit]", 5, "does not occur"),
        ("{phrase: Antony, occurrence: 2}", "Antony", 6, "occurs 2 times: say which"),
        ("occurrence: 2", "occurrence: 3", 6, "occurrence 3 is asked for"),
        ("[Brutus struck]", "[Caesar fell on the steps men say]", 5, "does not occur"),
        ("ends: steps", "ends: wept", 8, "does not follow"),
        ("[Brutus struck]", '["Caesar fell on the steps, men say."]', 5, "is a whole sentence"),
        ("[Brutus struck]", "[]", 5, "at least 1 item"),
        ("name: Brutus,", "name: Brutus, name: B,", 5, "`name` is given twice"),
        ("name: Brutus,", "name: [", 5, "expected"),
        ("object: antony,", "object: antony, date: {text: then, edtf: '1962/1957'},", 8, "runs backwards"),
        ("name: Brutus,", "name: Brutus, aliases: [{name: B, in_source: true}],", 5, "exactly when"),
        ("name: Brutus,", "name: Brutus, aliases: [{name: Cassius, in_source: true, cite: [Brutus struck]}],", 5,
         "alias: 'Cassius' is not in the words that it cites"),
        ("id: brutus", "id: compare", 5, "is taken, by a URL of the API"),
        ("pack: {", "# {", 1, "one `pack:` entry"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(folder, old, new, line, message):
    assert old in GOOD
    with pytest.raises(PackError) as caught:
        build(folder, GOOD.replace(old, new, 1))
    assert [(c.line, message in c.message) for c in caught.value.complaints if message in c.message] == [(line, True)]


def test_an_uncited_sentence_and_stale_spans_are_reported(folder):
    build(folder, GOOD)
    (folder / "pack.yaml").write_text(GOOD.replace(", {phrase: Antony, occurrence: 2}", ""), "utf-8")
    with pytest.raises(PackError) as caught:
        read(folder)
    assert [c.message.split(":")[0][:40] for c in caught.value.complaints] == [
        "is missing or out of date",
        "no citation touches the sentence “Antony wept; Rome burned slowly then. …”"[:40],
    ]
    assert str(caught.value.complaints[1]).startswith(f"{folder / 'source.txt'}:4: ")


def test_all_mistakes_are_told_at_once_whatever_they_are(folder):
    text = GOOD.replace("name: Brutus,", "nam: Brutus,").replace("[Antony spoke,", "[Antony spake,")
    text = text.replace("object: antony", "object: antoni, date: {text: then, edtf: '1962/1957'}")
    with pytest.raises(PackError) as caught:
        build(folder, text)
    told = [(c.line, c.message.split(":")[0]) for c in caught.value.complaints]
    # What is wrong with Brutus is told where he stands, and no reference to him is called dangling.
    assert told == [(5, "brutus name"), (5, "brutus nam"), (8, "object"), (6, "cite"), (8, "date")]
