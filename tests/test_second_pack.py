"""Another article becomes an API by adding a folder: text served, spans verified, years before 1 right."""

import shutil
from contextlib import asynccontextmanager

import httpx
import pytest
from asgi_lifespan import LifespanManager

from app.load import load
from app.main import create_app
from app.settings import ROOT, Settings

pytestmark = pytest.mark.anyio
IDES = ROOT / "tests" / "packs" / "ides"
TEXT = (IDES / "source.txt").read_text("utf-8")
BERTHS = """\
estimates:
  - {id: least, name: L, type: estimate, measure: berths, subject: fleet, low: 300, summary: S., cite: [One chronicler]}
  - {id: most, name: M, type: estimate, measure: berths, subject: fleet, high: 100, summary: S., cite: [One chronicler]}
"""


@asynccontextmanager
async def served(folder, *packs, **more):
    """A client of the application over packs in a folder, with `more` files beside those of the last."""
    for pack in packs:
        shutil.copytree(pack, folder / "seed" / pack.name)
    for name, text in more.items():
        (folder / "seed" / packs[-1].name / f"{name}.yaml").write_text(text, "utf-8")
    settings = Settings(database_url=f"sqlite:///{folder / 'fasti.db'}", seed_dir=folder / "seed", source_dir=None)
    load(settings)
    async with LifespanManager(create_app(settings)) as manager:
        transport = httpx.ASGITransport(manager.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://fasti.test") as client:
            yield client


async def items(client, target):
    response = await client.get(target)
    assert response.status_code == 200, response.text
    return response.json()["items"]


async def test_passages_carry_their_text_and_citations_the_exact_words(ides):
    for passage in await items(ides, "/v1/passages"):
        assert passage["text"] == TEXT[passage["start"] : passage["end"]]
        places = [(anchor["start"], anchor["end"]) for anchor in passage["anchors"]]
        assert places == sorted(places)
        sentences = [passage["text"][s["start"] : s["end"]] for s in passage["sentences"]]
        assert " ".join(sentences) == passage["text"]
        for anchor in passage["anchors"]:
            citation = (await ides.get(f"/v1/citations/{anchor['citation']}")).json()
            assert citation["exact"] == passage["text"][anchor["start"] : anchor["end"]]
            assert citation["exact"] == TEXT[citation["start"] : citation["end"]]
            assert citation["status"] == "verified"


async def test_a_source_is_read_in_order(ides):
    passages = await items(ides, "/v1/sources/annals/passages")
    assert [p["paragraph"] for p in passages] == [1, 2, 3, 4, 5, 6]
    assert [p["section"]["id"] for p in passages] == ["lead", *["the-consulship"] * 3, *["the-fire"] * 2]
    assert (await ides.get("/v1/sources/none/passages")).status_code == 404


@pytest.mark.parametrize("type_", ["record", "relation"])
async def test_two_packs_stand_side_by_side_and_each_source_alone(tmp_path, type_):
    async with served(tmp_path, ROOT / "seed" / "great-leap-forward", IDES) as both:
        about = (await both.get("/v1")).json()
        assert [each["id"] for each in about["knowledge_bases"]] == ["great-leap-forward", "ides"]
        for target in ("/v1/sources/annals/passages", "/v1/passages?source=annals"):
            assert [passage["id"] for passage in await items(both, target)] == [f"annals-p{n}" for n in range(1, 7)]
        cited = await items(both, "/v1/citations?source=annals&limit=200")
        assert {citation["source"]["id"] for citation in cited} == {"annals"}
        targets = {citation["target"]["id"] for citation in cited if citation["target"]["type"] == type_}
        assert {item["id"] for item in await items(both, f"/v1/{type_}s?source=annals&limit=200")} == targets


async def test_years_before_one_are_right(ides):
    [fire] = await items(ides, "/v1/events?from=-0029&to=-0029")
    assert fire["id"] == "fire"
    assert fire["date"]["approximate"] is True
    assert fire["date"]["bounds"]["earliest_start"] == "-0029-01-01"
    assert fire["date"]["bounds"]["latest_end"] == "-0029-12-31"
    assert await items(ides, "/v1/events?from=-0028") == []


@pytest.mark.parametrize(
    ("query", "holders"),
    [
        ("from=-0043&to=-0043", ["gaius-verro", "marcus-tulo"]),
        ("from=-0060&to=-0060&match=possible", ["marcus-tulo"]),
        ("from=-0060&to=-0060", []),
        ("from=-0043&to=-0043&match=certain", ["gaius-verro"]),
    ],
)
async def test_offices_are_asked_for_at_a_time(ides, query, holders):
    found = await items(ides, f"/v1/relations?predicate=held_office&{query}")
    assert sorted(relation["subject"]["id"] for relation in found) == holders


async def test_estimates_that_conflict_stay_apart(ides):
    found = await items(ides, "/v1/estimates?measure=ships&sort=-high,id")
    assert [(e["id"], e["low"], e["high"], e["value"]) for e in found] == [
        ("ships-high", 500, 600, None),
        ("ships-low", None, None, 300),
    ]
    assert [e["id"] for e in await items(ides, "/v1/estimates?min=400")] == ["ships-high"]
    assert [e["attributed_to"] and e["attributed_to"]["id"] for e in found] == [None, "first-chronicler"]


@pytest.mark.parametrize(
    ("amount", "found"),
    [
        ("min=301", ["least"]),
        ("max=99", ["most"]),
        ("min=100", ["least", "most"]),
        ("min=101&max=299", []),
        ("min=300&amount_match=certain", ["least"]),
        ("max=100&amount_match=certain", ["most"]),
        ("min=1&max=999&amount_match=certain", []),
    ],
)
async def test_a_figure_without_end_may_be_anything_beyond(tmp_path, amount, found):
    async with served(tmp_path, IDES, berths=BERTHS) as client:
        assert [e["id"] for e in await items(client, f"/v1/estimates?measure=berths&sort=id&{amount}")] == found


async def test_a_sort_key_with_nulls_loses_no_row_between_pages(ides):
    for sort in ("high", "-high", "value", "-low,id"):
        first = (await ides.get(f"/v1/estimates?sort={sort}&limit=1")).json()
        second = (await ides.get(first["next"])).json()
        assert {first["items"][0]["id"], second["items"][0]["id"]} == {"ships-low", "ships-high"}
        assert second["next"] is None
