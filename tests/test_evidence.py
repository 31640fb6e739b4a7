"""What the sources say about a record, and where: selectors that a reader of the text lands on."""

import pytest

from app.settings import ROOT

pytestmark = pytest.mark.anyio
TEXT = (ROOT / "tests" / "packs" / "ides" / "source.txt").read_text("utf-8")


async def items(client, target):
    response = await client.get(target)
    assert response.status_code == 200, response.text
    return response.json()["items"]


async def test_evidence_holds_every_citation_of_the_record_and_of_what_is_said_of_it(client):
    body = (await client.get("/v1/records/liu-shaoqi/evidence")).json()
    own = await items(client, "/v1/citations?record=liu-shaoqi&limit=200")
    relations = await items(client, "/v1/relations?record=liu-shaoqi&limit=200")
    tied = [c for r in relations for c in await items(client, r["links"]["citations"])]
    for stated in ("estimates?subject", "quotes?speaker", "quotes?about"):
        for each in await items(client, f"/v1/{stated}=liu-shaoqi"):
            tied += await items(client, each["links"]["citations"])
    assert sorted(item["citation"] for item in body["items"]) == sorted(c["id"] for c in own + tied)
    assert (body["total"], body["truncated"], body["record"]["kind"]) == (len(own) + len(tied), None, "person")
    starts = [item["target"]["selector"][-1]["start"] for item in body["items"]]
    assert starts == sorted(starts)


@pytest.mark.parametrize(
    ("record", "stated"),
    [
        ("great-leap-famine", "/v1/estimates?subject=great-leap-famine"),
        ("mao-zedong", "/v1/quotes?speaker=mao-zedong"),
        ("liu-shaoqi", "/v1/quotes?about=liu-shaoqi"),
    ],
)
async def test_evidence_holds_estimates_of_the_record_and_quotations_by_and_about_it(client, record, stated):
    found = await items(client, f"/v1/records/{record}/evidence")
    said = await items(client, stated)
    assert said
    for each in said:
        cited = await items(client, each["links"]["citations"])
        mine = [item for item in found if item["statement"]["id"] == each["id"]]
        assert sorted(item["citation"] for item in mine) == sorted(c["id"] for c in cited)
        for item in mine:
            assert item["statement"]["text"] == each["summary"]
            assert (item["stance"], item["attributed_to"]) == (each["stance"], each["attributed_to"])


async def test_an_accusation_is_told_apart_from_what_the_author_states(client):
    found = await items(client, "/v1/records/liu-shaoqi/evidence?stance=attributed")
    said = {(e["statement"]["text"], e["attributed_to"]["id"]) for e in found}
    assert ("Mao Zedong criticized Liu Shaoqi (by insinuation)", "mao-zedong") in said
    assert {e["stance"] for e in found} == {"attributed"}


async def test_what_is_denied_says_so(client):
    found = await items(client, "/v1/records/mao-zedong/evidence")
    denied = [e["statement"]["text"] for e in found if e["polarity"] == "negative"]
    assert denied == ["Denied: Threat to the authority of Mao affected Mao Zedong"]


async def test_a_record_has_its_own_stance(client):
    found = await items(client, "/v1/records/great-leap-disaster/evidence?stance=evaluative")
    assert [e["statement"]["type"] for e in found].count("record") == 1
    found = await items(client, "/v1/records/great-leap-disaster/evidence?stance=asserted")
    assert "record" not in [e["statement"]["type"] for e in found]


async def test_selectors_select_the_words_in_the_text(ides):
    found = await items(ides, "/v1/records/senna/evidence")
    assert len(found) == 3
    for item in found:
        quote, position = item["target"]["selector"]
        assert TEXT[position["start"] : position["end"]] == quote["exact"]
        around = quote["prefix"] + quote["exact"] + quote["suffix"]
        assert TEXT.count(around) == 1
        assert TEXT.index(around) + len(quote["prefix"]) == position["start"]


async def test_utf16_counts_as_javascript_does(ides):
    units = TEXT.encode("utf-16-le")
    plain = await items(ides, "/v1/records/senna/evidence")
    found = await items(ides, "/v1/records/senna/evidence?units=utf16")
    shifts = []
    for item, other in zip(found, plain, strict=True):
        quote, position = item["target"]["selector"]
        assert units[2 * position["start"] : 2 * position["end"]].decode("utf-16-le") == quote["exact"]
        shifts.append(position["start"] - other["target"]["selector"][1]["start"])
    assert sorted(set(shifts)) == [0, 1]
    [passage] = await items(ides, "/v1/passages?id=annals-p6")
    words = {passage["text"].encode("utf-16-le")[2 * a["utf16_start"] : 2 * a["utf16_end"]] for a in passage["anchors"]}
    assert "and no name".encode("utf-16-le") in words


async def test_the_words_are_quoted_as_the_text_has_them_even_where_it_is_not_held(client):
    found = await items(client, "/v1/records/stalin/evidence")
    quotes = [s["exact"] for e in found for s in e["target"]["selector"] if s["type"] == "TextQuoteSelector"]
    assert "Stalin’s collectivization and industrialization campaign" in quotes
    # A span that is named by its two ends has no words to show without the text.
    [spanned] = [e for e in await items(client, "/v1/records/great-leap-forward-announcement/evidence")
                 if e["statement"]["type"] == "record"]  # fmt: skip
    assert [s["type"] for s in spanned["target"]["selector"]] == ["TextPositionSelector"]


async def test_evidence_of_nothing_says_what_is_near(client):
    response = await client.get("/v1/records/mao-zedon/evidence")
    assert (response.status_code, "Did you mean 'mao-zedong'?" in response.json()["detail"]) == (404, True)
