"""The seed pack, held against the models and, where its text is at hand, against the article."""

import json
import os
import re
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from app.curation import staged
from app.dates import parse
from app.pack import schema
from app.packfile import PackFile

ROOT = Path(__file__).parent.parent
SEED = ROOT / "seed" / "great-leap-forward"
FILES = sorted(SEED.glob("*.yaml"))
KINDS = ("sources", "people", "organizations", "places", "policies", "events", "estimates", "quotes")
ARTICLE = Path(os.environ.get("FASTI_SOURCE_DIR") or SEED) / "article.txt"
with_article = pytest.mark.skipif(not ARTICLE.is_file(), reason=f"the article is not at {ARTICLE}")
FOLD = str.maketrans("‘’“”", "''\"\"")


@pytest.fixture(scope="module")
def parts():
    return [PackFile.model_validate(yaml.safe_load(path.read_text("utf-8"))) for path in FILES]


@pytest.fixture(scope="module")
def records(parts):
    return [entry for part in parts for kind in KINDS for entry in getattr(part, kind)]


@pytest.fixture(scope="module")
def relations(parts):
    return [entry for part in parts for entry in part.relations]


def test_the_pack_has_every_kind(parts):
    assert [kind for kind in (*KINDS, "relations") if not any(getattr(part, kind) for part in parts)] == []


def test_ids_are_unique(records, relations):
    ids = [entry.id for entry in records] + [entry.key for entry in relations]
    assert sorted({i for i in ids if ids.count(i) > 1}) == []


def test_every_reference_resolves(records, relations):
    known = {entry.id for entry in records}
    dangling = []
    for entry in [*records, *relations]:
        names = [getattr(entry, key, None) for key in ("attributed_to", "subject", "object", "place", "speaker")]
        names += getattr(entry, "about", [])
        date = getattr(entry, "date", None)
        names += [date.relative_to] if date else []
        dangling += [name for name in names if name is not None and name not in known]
    assert sorted(set(dangling)) == []


def test_a_cause_says_whether_it_is_stated_and_nothing_else_does(relations):
    assert [r.key for r in relations if (r.causality is not None) != (r.predicate == "caused")] == []


@with_article
def test_every_span_is_verified_against_the_article_and_every_sentence_cited():
    with staged([SEED], ARTICLE.parent) as made:
        assert made.packs[0].uncited == []
    text, spans = ARTICLE.read_text("utf-8"), json.loads((SEED / "spans.json").read_text("utf-8"))["spans"]
    assert {sha256(text[start:end].encode()).hexdigest() == sha for start, end, sha in spans.values()} == {True}


def test_the_pack_reads_without_its_text():
    with staged([SEED]) as made:
        [pack] = made.packs
    assert (pack.sources, pack.held, pack.uncited) == (1, 0, [])
    assert pack.spans > 200


def test_the_editors_schema_is_up_to_date():
    assert (SEED.parent / "pack.schema.json").read_text("utf-8") == schema()


@with_article
def test_the_repository_holds_no_sentence_of_the_article(records):
    kept = " ".join(entry.text for entry in records if hasattr(entry, "form")).translate(FOLD)
    words = re.findall(r"\w+", ARTICLE.read_text("utf-8").translate(FOLD))
    runs = {" ".join(words[i : i + 12]) for i in range(len(words) - 11)}
    runs -= {run for run in runs if run in " ".join(re.findall(r"\w+", kept))}
    found = []
    held = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("app/**/*.py"), *ROOT.glob("app/**/*.json"),
            *ROOT.glob("tests/**/*.py"), *ROOT.glob("tests/*.json")]  # fmt: skip
    for path in [*FILES, *held]:
        ours = re.findall(r"\w+", path.read_text("utf-8").translate(FOLD))
        found += [run for i in range(len(ours) - 11) if (run := " ".join(ours[i : i + 12])) in runs]
    assert found == []


def test_every_date_of_the_pack_is_edtf(records, relations):
    dates = [entry.date for entry in [*records, *relations] if getattr(entry, "date", None)]
    spans = [parse(d.edtf, not_before=d.not_before, not_after=d.not_after) for d in dates if d.edtf]
    assert len(spans) > 10
    assert all(span.stated_start <= span.stated_end for span in spans)
