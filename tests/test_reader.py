"""What a pack may not say: each mistake is refused with its file, its line and what would be right."""

import json
from hashlib import sha256

import pytest

from app.curation import cite, staged
from app.fingerprints import Fingerprints
from app.pack import PackError, folders
from app.packfile import Cite
from app.spans import locate, passages

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
ESTIMATE = "estimates: [{id: e, name: E, summary: S., type: estimate, measure: m, cite: [men say], %s}]\nrelations:"
QUOTE = "quotes: [{id: q, name: Q, summary: S., text: then, cite: [men say], %s}]\nrelations:"


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "ides"
    path.mkdir()
    (path / "source.txt").write_text(TEXT, "utf-8")
    return path


def build(folder, text):
    (folder / "pack.yaml").write_text(text, "utf-8")
    return cite(folder)


def read(folder, source_dir=None, *, cite=False):
    with staged([folder], source_dir, cite=cite) as made:
        return made.packs[0]


def kept(folder):
    return json.loads((folder / "spans.json").read_text("utf-8"))


def test_a_good_pack_reads_with_and_without_its_text(folder):
    assert build(folder, GOOD).counts == {"person": 2, "source": 1, "relation": 1}
    source = kept(folder)["sources"]["tale"]
    assert [TEXT[start:end] for _, start, end, *_ in source["passages"]] == [TEXT.split("\n")[0], TEXT.split("\n")[3]]
    assert source["sections"] == [["lead", None], ["later-years", "Later Years"]]
    assert [len(sentences) for *_, sentences in source["passages"]] == [2, 2]
    assert (read(folder).uncited, read(folder).held) == ([], 1)
    before = Fingerprints().of(folder, None)
    (folder / "source.txt").unlink()
    assert (read(folder).uncited, read(folder).held) == ([], 0)
    assert Fingerprints().of(folder, None) != before
    (folder.parent / "drafts").mkdir()
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
        ("[Brutus struck]", "[Later Years]", 5, "'Later Years' stands in no passage"),
        ("id: brutus", "id: compare", 5, "is taken, by a URL of the API"),
        ("pack: {", "# {", 1, "one `pack:` entry"),
        ("predicate: preceded", "predicate: preceded, causality: implied", 8, "`causality` stands on `caused`"),
        ("name: Brutus,", "name: Brutus, aliases: [{name: B, in_source: false, cite: [men say]}],", 5, "exactly when"),
        ("[Brutus struck]", "[Antony wept; Rome burned slowly then]", 5, "is a whole sentence"),
        ("[Brutus struck]", "[{phrase: Brutus struck, source: other}]", 5, "there is no source 'other'"),
        ("id: brutus,", "id: brutus, attributed_to: nobody,", 5, "attributed_to: there is no 'nobody'"),
        ("{subject: brutus,", "{subject: nobody,", 8, "subject: there is no 'nobody'"),
        ("object: antony,", "object: antony, date: {text: then, relative_to: nobody},", 8,
         "date.relative_to: there is no 'nobody'"),
        ("{subject: brutus,", "{id: antony, subject: brutus,", 8, "the relation 'antony' is there twice"),
        ("relations:\n", "relations:\n  - {subject: brutus, predicate: preceded, object: antony, cite: [men say]}\n", 9,
         "the relation 'brutus.preceded.antony' is there twice"),
        ("relations:", ESTIMATE % "subject: nobody", 7, "subject: there is no 'nobody'"),
        ("relations:", ESTIMATE % "subject: tale, place: brutus", 7, "place: 'brutus' is of the kind person"),
        ("relations:", QUOTE % "speaker: nobody", 7, "speaker: there is no 'nobody'"),
        ("relations:", QUOTE % "about: [tale, nobody]", 7, "about: there is no 'nobody'"),
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
    assert told == [(5, "brutus name"), (5, "brutus nam"), (8, "date"), (8, "object"), (6, "cite")]


def complaints(folder, **how):
    with pytest.raises(PackError) as caught:
        read(folder, **how)
    return [complaint.message for complaint in caught.value.complaints]


def test_a_sentence_of_three_words_may_be_cited_whole_and_of_four_not(folder):
    (folder / "source.txt").write_text(TEXT.replace("Antony spoke.", "Antony spoke to Rome."), "utf-8")
    build(folder, GOOD.replace("[Brutus struck]", "[Brutus struck first]"))
    (folder / "pack.yaml").write_text(GOOD.replace("[Antony spoke,", "[Antony spoke to Rome,"), "utf-8")
    assert complaints(folder, cite=True) == [
        "cite: 'Antony spoke to Rome' is a whole sentence: use fewer of its words",
    ]


def test_a_long_span_cites_every_sentence_it_reaches_into(folder):
    assert build(folder, GOOD.replace("[men say]", "[Brutus struck]")).uncited == []


def test_a_pack_has_one_heading_and_a_source(folder):
    heading, _, _, *rest = GOOD.splitlines()
    (folder / "pack.yaml").write_text("\n".join([heading, *rest]), "utf-8")
    assert complaints(folder, cite=True) == ["a pack has at least one source"]
    (folder / "second.yaml").write_text(heading, "utf-8")
    assert complaints(folder, cite=True) == ["a pack has one `pack:` entry, and this one has 2"]


def test_without_the_text_a_citation_needs_its_span(folder):
    build(folder, GOOD)
    (folder / "source.txt").unlink()
    (folder / "pack.yaml").write_text(GOOD.replace("[Brutus struck]", "[Caesar fell]"), "utf-8")
    assert complaints(folder) == ["cite: 'Caesar fell' has no span yet: run `fasti cite` where the text is"]
    (folder / "spans.json").write_text("{", "utf-8")
    for broken in ("{", "[]", '{"sources": {"tale": {}}, "spans": {}}'):
        (folder / "spans.json").write_text(broken, "utf-8")
        assert [message[:14] for message in complaints(folder)] == ["cannot be read"]


SEVERAL = """\
pack: {id: ides, title: Ides, description: A test., licence: CC0, citation: Ides}
sources:
  - {id: one, text: one.txt, name: O, summary: S., type: t, licence: L, cite: [{phrase: He fell, source: one}]}
  - {id: two, text: two.txt, name: T, summary: S., type: t, licence: L, cite: [{phrase: He fell, source: two}]}
"""


def test_each_of_several_sources_has_its_own_places(folder):
    (folder / "one.txt").write_text("He fell.", "utf-8")
    (folder / "two.txt").write_text("Then he rose. He fell.", "utf-8")
    pack = build(folder, SEVERAL)
    spans = kept(folder)["spans"]
    assert {key: start for key, (start, _, _) in spans.items()} == {"one | He fell | 1": 0, "two | He fell | 1": 14}
    assert [str(complaint) for complaint in pack.uncited] == [
        f"{folder / 'two.txt'}:1: no citation touches the sentence “Then he rose. …”: each must support something"
    ]
    (folder / "pack.yaml").write_text(SEVERAL.replace(", source: two", ""), "utf-8")
    assert complaints(folder, cite=True) == ["cite: 'He fell' must say its `source`, since the pack has several"]


@pytest.mark.parametrize("place", ["ides/source.txt", "source.txt"])
def test_a_text_may_stand_in_a_folder_of_its_own(folder, tmp_path, place):
    build(folder, GOOD)
    (tmp_path / "texts" / place).parent.mkdir(parents=True)
    (folder / "source.txt").rename(tmp_path / "texts" / place)
    assert read(folder).held == 0
    assert read(folder, tmp_path / "texts").held == 1


@pytest.mark.parametrize("name", ["ides/pack.yaml", "ides/spans.json", "ides/source.txt", "texts/article.txt",
                                  "texts/ides/source.txt"])  # fmt: skip
def test_any_change_of_what_a_pack_rests_on_changes_its_fingerprint(folder, tmp_path, name):
    build(folder, GOOD)
    (tmp_path / "texts" / "ides").mkdir(parents=True)
    for text in ("article.txt", "ides/source.txt"):
        (tmp_path / "texts" / text).write_text(TEXT, "utf-8")
    before = Fingerprints().of(folder, tmp_path / "texts")
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes() + b" ")
    assert Fingerprints().of(folder, tmp_path / "texts") != before


def test_offsets_and_hash_are_those_of_the_file_whatever_ends_its_lines(folder):
    text = TEXT.replace("\n", " \r\n")
    (folder / "source.txt").write_bytes(text.encode())
    build(folder, GOOD)
    source = kept(folder)["sources"]["tale"]
    assert (source["sha256"], source["length"]) == (sha256(text.encode()).hexdigest(), len(text))
    assert [name for name, _ in source["sections"]] == ["lead", "later-years"]
    assert [text[start:end] for _, start, end, *_ in source["passages"]] == [TEXT.split("\n")[0], TEXT.split("\n")[3]]


def test_the_printers_quotes_and_spaces_are_those_of_a_keyboard():
    text = "He said “Stop.” Then\u00a0he’s gone."
    _, [passage] = passages(text, [])
    assert [text[start:end] for start, end in passage.sentences] == ["He said “Stop.”", "Then\u00a0he’s gone."]
    for phrase in ("Then he's gone", "Then\u00a0he’s gone"):
        assert locate(text, Cite(phrase=phrase))[:2] == (16, 30)
