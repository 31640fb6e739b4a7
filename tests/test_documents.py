"""What a pack's entries become on the wire, byte for byte."""

import json
from hashlib import sha256

import pytest

from app.curation import staged
from app.rendering import Stretch, render

TEXT = "The senate planned a purge. Brutus struck, and Caesar fell about 44 BCE. Antony wept then. Rome burned."
PACK = """\
pack: {id: ides, title: Ides, description: A test., licence: CC0, citation: Ides}
sources: [{id: tale, name: Tale, summary: A tale., type: tale, licence: ours, cite: [a purge]}]
organizations: [{id: senate, name: The Senate, type: body, summary: Elders., cite: [The senate]}]
people: [{id: brutus, name: Brutus, summary: A striker., cite: [Brutus struck]}]
places: [{id: rome, name: Rome, type: city, summary: A city., cite: [The senate]}]
policies:
  - {id: purge, name: Purge, type: plan, summary: A plan., cite: [planned a purge]}
  - {id: reform, name: Reform, type: plan, summary: A plan., cite: [planned a purge]}
events:
  - id: fall
    name: Fall
    type: death
    summary: Caesar fell.
    aliases: [{name: Ides, in_source: false}, {name: Fell, in_source: true, cite: [Caesar fell]}]
    date: {text: about 44 BCE, edtf: "-0043?", relative_to: purge}
    cite: [{starts: and Caesar, ends: wept}]
estimates:
  - {id: blows, name: Blows, summary: S., type: estimate, measure: blows, subject: fall, place: rome,
     low: 23, high: 23.5, cite: [struck]}
relations:
  - {subject: brutus, predicate: carried_out, object: fall, role: striker, cite: [Brutus struck]}
  - {subject: fall, predicate: affected, object: senate, stance: attributed, attributed_to: brutus, cite: [The senate]}
  - {subject: fall, predicate: located_in, object: rome, cite: [The senate]}
  - {subject: fall, predicate: affected, object: rome, cite: [The senate]}
  - {subject: senate, predicate: announced, object: purge, cite: [planned a purge]}
  - {subject: senate, predicate: initiated, object: purge, cite: [planned a purge]}
  - {subject: purge, predicate: initiated, object: reform, cite: [planned a purge]}
  - {subject: brutus, predicate: held_office, object: senate, role: elder, date: {text: then}, cite: [Brutus struck]}
  - {subject: brutus, predicate: headed, object: senate, cite: [The senate]}
  - {subject: brutus, predicate: judged, object: brutus, polarity: negative, cite: [Brutus struck]}
"""
SENATE = {"id": "senate", "kind": "organization", "name": "The Senate", "url": "/v1/organizations/senate"}
BRUTUS = {"id": "brutus", "kind": "person", "name": "Brutus", "url": "/v1/people/brutus"}
ROME = {"id": "rome", "kind": "place", "name": "Rome", "url": "/v1/places/rome"}
PURGE = {"id": "purge", "kind": "policy", "name": "Purge", "url": "/v1/policies/purge"}
FALL = {"id": "fall", "kind": "event", "name": "Fall", "url": "/v1/events/fall"}
TALE = {"id": "tale", "kind": "source", "name": "Tale", "url": "/v1/sources/tale"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Every document by its id."""
    folder = tmp_path_factory.mktemp("ides")
    (folder / "source.txt").write_text(TEXT, "utf-8")
    (folder / "pack.yaml").write_text(PACK, "utf-8")
    found: dict[str, str] = {}
    with staged([folder], cite=True) as made:
        for table in ("record", "relation", "citation", "passage"):
            rows = render(Stretch(made.staging.path, table, 1, 1000)).rows[table]
            found |= {row[1]: row[-1] for row in rows}
    return found


def digest(start, end):
    return sha256(TEXT[start:end].encode()).hexdigest()


def links(url, name, *lists):
    return {"self": url} | {each: f"/v1/{each}?{name}" for each in lists}


WHEN = {
    "text": "about 44 BCE", "edtf": "-0043?", "approximate": False, "uncertain": True,
    "bounds": {"earliest_start": "-0043-01-01", "latest_start": "-0043-12-31",
               "earliest_end": "-0043-01-01", "latest_end": "-0043-12-31"},
    "days": {"earliest_start": 1705355, "latest_start": 1705719, "earliest_end": 1705355, "latest_end": 1705719},
    "relative_to": PURGE,
}  # fmt: skip
TARGET = {"type": "record", "id": "fall", "name": "Fall", "url": "/v1/events/fall"}
DOCUMENTS = {
    "fall": {
        "id": "fall", "kind": "event", "name": "Fall", "type": "death", "summary": "Caesar fell.", "date": WHEN,
        "involved": [
            {"record": BRUTUS, "predicate": "carried_out", "end": "subject", "role": "striker", "stance": "asserted",
             "polarity": "positive", "relation": "brutus.carried_out.fall"},
            {"record": SENATE, "predicate": "affected", "end": "object", "role": None, "stance": "attributed",
             "polarity": "positive", "relation": "fall.affected.senate"},
        ],
        "places": [ROME],
        "policies": [],
        "aliases": [{"name": "Ides", "in_source": False}, {"name": "Fell", "in_source": True}],
        "stance": "asserted", "attributed_to": None, "polarity": "positive", "citation_count": 2, "relation_count": 4,
        "links": links("/v1/events/fall", "record=fall", "relations", "citations"),
    },
    "blows": {
        "id": "blows", "kind": "estimate", "name": "Blows", "type": "estimate", "summary": "S.", "subject": FALL,
        "date": None, "measure": "blows", "place": ROME, "low": 23, "high": 23.5, "value": None, "unit": None,
        "approximate": False, "hedge": None, "duration": None, "aliases": [],
        "stance": "asserted", "attributed_to": None, "polarity": "positive", "citation_count": 1, "relation_count": 0,
        "links": links("/v1/estimates/blows", "record=blows", "relations", "citations"),
    },
    "brutus": {
        "id": "brutus", "kind": "person", "name": "Brutus", "summary": "A striker.", "name_known": True,
        "description": None,
        "offices": [
            {"organization": SENATE, "role": "elder",
             "date": {"text": "then", "edtf": None, "approximate": False, "uncertain": False, "bounds": None,
                      "days": None, "relative_to": None},
             "relation": "brutus.held_office.senate"},
        ],
        "aliases": [],
        "stance": "asserted", "attributed_to": None, "polarity": "positive", "citation_count": 1, "relation_count": 4,
        "links": links("/v1/people/brutus", "record=brutus", "relations", "citations"),
    },
    "fall.affected.senate": {
        "id": "fall.affected.senate", "subject": FALL, "predicate": "affected", "object": SENATE, "date": None,
        "label": "affected", "inverse_label": "was affected by", "role": None, "note": None, "causality": None,
        "stance": "attributed", "attributed_to": BRUTUS, "polarity": "positive", "citation_count": 1,
        "links": links("/v1/relations/fall.affected.senate", "relation=fall.affected.senate", "citations"),
    },
    "fall.tale.43-84": {
        "id": "fall.tale.43-84", "target": TARGET, "source": TALE, "passage": "tale-p1",
        "section": {"id": "lead", "title": None}, "paragraph": 1, "start": 43, "end": 84, "utf16_start": 43,
        "utf16_end": 84, "sha256": digest(43, 84), "fragment": "and Caesar … wept", "status": "verified",
        "exact": "and Caesar fell about 44 BCE. Antony wept", "url": "/v1/citations/fall.tale.43-84",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_exactly_this(made, name):
    assert made[name] == json.dumps(DOCUMENTS[name], ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize(("policy", "initiators"), [("purge", [SENATE]), ("reform", [PURGE])])
def test_who_initiated_or_announced_a_policy_is_named_once(made, policy, initiators):
    assert json.loads(made[policy])["initiators"] == initiators


def test_a_sentence_is_cited_when_a_span_reaches_into_it(made):
    passage, source = json.loads(made["tale-p1"]), json.loads(made["tale"])
    assert [(TEXT[s["start"] : s["end"]], s["cited"]) for s in passage["sentences"]] == [
        ("The senate planned a purge.", True),
        ("Brutus struck, and Caesar fell about 44 BCE.", True),
        ("Antony wept then.", True),
        ("Rome burned.", False),
    ]
    assert passage["url"] == "/v1/passages/tale-p1"
    assert (source["sentence_count"], source["cited_sentence_count"]) == (4, 3)
