"""Time: buckets that say how they count, both eras, and slides that TimelineJS can show."""

import random
from html import unescape
from itertools import pairwise

import httpx
import pytest
from asgi_lifespan import LifespanManager
from sqlalchemy import create_engine, make_url, text

from app import dates
from app.answers.timeline import edtf, fold, label
from app.dates import number_of, years
from app.load import load
from app.main import create_app
from app.settings import ROOT, Settings

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def eras(request, tmp_path_factory):
    """A client of a pack with dates of every sort, on both databases."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('eras') / 'fasti.db'}"
    else:
        server = request.getfixturevalue("postgresql")
        engine = create_engine(server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("DROP DATABASE IF EXISTS eras WITH (FORCE)"))
            connection.execute(text("CREATE DATABASE eras"))
        engine.dispose()
        url = make_url(server).set(database="eras").render_as_string(hide_password=False)
    settings = Settings(database_url=url, seed_dir=ROOT / "tests" / "calendars", source_dir=None)
    load(settings)
    async with LifespanManager(create_app(settings)) as manager:
        transport = httpx.ASGITransport(manager.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://fasti.test") as client:
            yield client


async def timeline(client, query=""):
    response = await client.get(f"/v1/timeline?{query}")
    assert response.status_code == 200, response.text
    return response.json()


async def slides(client, query=""):
    body = await timeline(client, f"format=timelinejs&limit=200&{query}")
    return {slide["unique_id"]: slide for slide in body["events"]}


@pytest.mark.parametrize("size", ["year", "decade", "century"])
def test_buckets_follow_each_other_without_gap_or_overlap(size):
    spans = [years(number, size) for number in range(number_of(-1234, size), number_of(1234, size) + 1)]
    assert all(first <= last for first, last in spans)
    assert all(after[0] == before[1] + 1 for before, after in pairwise(spans))
    assert not any(first < 1 <= last for first, last in spans)
    for number, (first, last) in enumerate(spans, number_of(-1234, size)):
        assert {number_of(year, size) for year in range(first, last + 1)} == {number}


@pytest.mark.parametrize("size", ["year", "decade", "century"])
@pytest.mark.parametrize(
    "year", [-12_345, -9999, -500, -499, -44, -43, -10, -9, -1, 0, 1, 9, 10, 99, 100, 1957, 9999, 12_345]
)
def test_the_edtf_of_a_bucket_means_exactly_its_years(size, year):
    first, last = years(number_of(year, size), size)
    span = dates.parse(edtf(first, last, size))
    assert (span.earliest_start, span.latest_end) == (dates.day_number(first, 1, 1), dates.day_number(last, 12, 31))


@pytest.mark.parametrize(
    ("size", "year", "words", "named"),
    [
        ("year", 1957, "1957", "1957"),
        ("year", 44, "44 CE", "0044"),
        ("year", 0, "1 BCE", "0000"),
        ("year", -43, "44 BCE", "-0043"),
        ("decade", 1957, "1950s", "195X"),
        ("decade", 1903, "1900–1909", "190X"),
        ("decade", 957, "950s CE", "095X"),
        ("decade", 15, "10s CE", "001X"),
        ("decade", 5, "1–9 CE", "0001/0009"),
        ("decade", 0, "10–1 BCE", "-000X"),
        ("decade", -43, "50–41 BCE", "-004X"),
        ("century", 1957, "1900–1999", "19XX"),
        ("century", 150, "100–199 CE", "01XX"),
        ("century", 1, "1–99 CE", "0001/0099"),
        ("century", 0, "1st century BCE", "-00XX"),
        ("century", -99, "1st century BCE", "-00XX"),
        ("century", -100, "2nd century BCE", "-01XX"),
        ("century", -300, "4th century BCE", "-03XX"),
        ("century", -299, "3rd century BCE", "-02XX"),
        ("century", -499, "5th century BCE", "-04XX"),
        ("century", -1_050, "11th century BCE", "-10XX"),
        ("century", -2_050, "21st century BCE", "-20XX"),
        ("year", 12_345, "12345", "Y12345"),
        ("decade", 12_345, "12340s", "Y12340/Y12349"),
    ],
)
def test_a_bucket_is_called_what_it_is(size, year, words, named):
    first, last = years(number_of(year, size), size)
    assert (label(first, last, size), edtf(first, last, size)) == (words, named)


def test_folding_counts_as_looking_at_each_bucket_does():
    chance = random.Random(1)
    firsts = [10, 20, 30, 40]
    ends = [19, 29, 39, 49]
    rows = []
    for _ in range(500):
        start, end = sorted((chance.randrange(0, 60), chance.randrange(0, 60)))
        start, end = chance.choice([start, start, -dates.FAR]), chance.choice([end, end, dates.FAR])
        earliest = chance.choice([start, None]) if start > -dates.FAR else None
        latest = chance.choice([end, None]) if end < dates.FAR else None
        rows.append((start, end, earliest, latest, chance.randrange(1, 4)))
    counts = fold(rows, firsts, 49)
    for i, (first, last) in enumerate(zip(firsts, ends, strict=True)):
        assert counts.stated[i] == sum(n for s, e, _, _, n in rows if s <= last and e >= first)
        assert counts.possible[i] == sum(
            n for _, _, s, e, n in rows if (s is None or s <= last) and (e is None or e >= first)
        )
        assert counts.certain[i] == sum(
            n for _, _, s, e, n in rows if s is not None and e is not None and s >= first and e <= last
        )
        assert counts.starting[i] == sum(n for s, _, _, _, n in rows if first <= s <= last)


async def test_the_years_of_the_great_leap(client):
    body = await timeline(client)
    assert (body["kind"], body["bucket"], body["match"]) == ("event", "year", "stated")
    assert body["range"] == {"start": "1950-01-01", "end": "1966-12-31"}
    assert (body["dated"]["count"], body["undated"]["count"]) == (11, 33)
    rows = {bucket["edtf"]: bucket for bucket in body["buckets"]}
    assert list(rows) == [str(year) for year in range(1950, 1967)]
    assert rows["1957"] == {
        "label": "1957", "edtf": "1957", "start": "1957-01-01", "end": "1957-12-31", "count": 3, "stated": 3,
        "possible": 7, "certain": 1, "starting": 2, "url": "/v1/events?from=1957&to=1957",
    }  # fmt: skip
    # What had begun by 1960 or 1961 may still have gone on.
    assert (rows["1964"]["stated"], rows["1964"]["possible"]) == (0, 3)
    assert sum(bucket["starting"] for bucket in body["buckets"]) == body["dated"]["count"]


@pytest.mark.parametrize(
    "query",
    ["", "bucket=decade&match=possible", "match=certain", "person=liu-shaoqi", "kind=policy", "kind=estimate",
     "kind=quote", "kind=estimate&place=china", "policy=great-leap-forward&match=possible",
     "predicate=caused&predicate=participated_in", "type=campaign,announcement", "stance=evaluative",
     "from=1958&to=1961&match=certain", "from=196X", "to=1955-03", "from=1990", "bucket=century&from=1890",
     "section=no-lessons-learned&stance=asserted&stance=attributed"],
)  # fmt: skip
async def test_each_url_lists_exactly_what_is_counted(client, query):
    body = await timeline(client, query)
    for each in [body["dated"], body["undated"], *body["buckets"]]:
        listed = (await client.get(f"{each['url']}&limit=1&total=true")).json()
        assert listed["total"] == each["count"], each


async def test_each_url_lists_exactly_what_is_counted_in_either_era(eras):
    for query in ("bucket=decade", "bucket=century&match=possible", "from=-0059&to=0030", "from=-0059&match=certain"):
        await test_each_url_lists_exactly_what_is_counted(eras, query)


async def test_both_eras_meet_without_a_year_between(eras):
    body = await timeline(eras, "from=-0002&to=0003")
    assert [(b["label"], b["edtf"], b["count"], b["certain"]) for b in body["buckets"]] == [
        ("3 BCE", "-0002", 0, 0),
        ("2 BCE", "-0001", 1, 0),
        ("1 BCE", "0000", 2, 1),
        ("1 CE", "0001", 2, 1),
        ("2 CE", "0002", 1, 0),
        ("3 CE", "0003", 1, 1),
    ]
    assert [b["possible"] for b in body["buckets"]] == [3, 4, 5, 5, 4, 4]


async def test_decades_before_our_era(eras):
    body = await timeline(eras, "bucket=decade&from=-0049&to=0010")
    assert [(b["label"], b["stated"], b["possible"], b["certain"], b["starting"]) for b in body["buckets"]] == [
        ("50–41 BCE", 3, 5, 2, 2),
        ("40–31 BCE", 1, 3, 0, 0),
        ("30–21 BCE", 1, 3, 0, 0),
        ("20–11 BCE", 2, 4, 0, 1),
        ("10–1 BCE", 3, 6, 1, 2),
        ("1–9 CE", 8, 10, 6, 7),
        ("10s CE", 2, 4, 1, 2),
    ]
    assert body["buckets"][0]["start"] == "-0049-01-01"
    assert body["buckets"][4]["end"] == "0000-12-31"


async def test_without_a_size_the_finest_that_fits_is_taken(eras):
    body = await timeline(eras)
    assert (body["bucket"], len(body["buckets"])) == ("decade", 53)
    assert (await timeline(eras, "from=-0479"))["bucket"] == "year"
    assert len((await timeline(eras, "from=-0479"))["buckets"]) == 500
    assert (await timeline(eras, "from=-0480"))["bucket"] == "decade"


@pytest.mark.parametrize(
    ("query", "parameter", "near", "words"),
    [
        ("bucket=year", "bucket", "decade", "bucket=decade makes 53"),
        ("bucket=decade&from=-9999", "bucket", "century", "bucket=century makes 101"),
        ("from=Y-400000", "bucket", None, "set `from` and `to` nearer"),
        ("kind=quote&person=x", "person", None, "quotes have no such filter here"),
        ("kind=estimate&type=target", "type", None, "estimates have no such filter here"),
        ("kind=quote&predicate=caused", "predicate", None, "quotes have no such filter here"),
        ("bucket=month", "bucket", None, "year, decade, century"),
        ("from=2&to=1", "from", None, "is not an EDTF date"),
        ("from=0002&to=0001", "to", None, "ends before"),
        ("kind=person", "kind", None, "event, policy"),
        ("type=bulding", "type", "building", "does not occur"),
    ],
)
async def test_what_cannot_be_counted_is_said(eras, query, parameter, near, words):
    response = await eras.get(f"/v1/timeline?{query}")
    assert response.status_code == 422
    error = response.json()["errors"][0]
    assert (error["parameter"], error["nearest"]) == (parameter, near)
    assert words in error["detail"]


async def test_nothing_dated_is_no_bucket(eras, client):
    body = await timeline(eras, "kind=policy")
    assert (body["range"], body["buckets"], body["dated"]["count"]) == (None, [], 0)
    body = await timeline(eras, "kind=policy&from=0001")
    assert [bucket["label"] for bucket in body["buckets"]] == ["1 CE"]
    body = await timeline(client, "type=famine")
    assert (body["buckets"], body["undated"]["count"]) == ([], 2)


async def test_slides_have_the_precision_of_their_dates(eras):
    found = await slides(eras)
    assert {name: (s["start_date"], s.get("end_date")) for name, s in found.items()} == {
        "wall": ({"year": -1}, {"year": 2}),
        "tower": ({"year": 0}, None),
        "bridge": ({"year": 1}, None),
        "road": ({"year": -49}, {"year": -40}),
        "senate": ({"year": -43, "month": 3, "day": 15}, None),
        "temple": ({"year": -499}, {"year": -400}),
        "grove": ({"year": -9}, None),
        "harbour": ({"year": 12}, None),
        "canal": ({"year": 8}, None),
        "strike": ({"year": -19, "month": 5}, None),
        "market": ({"year": 20}, None),
        "games": ({"year": 5, "month": 3}, {"year": 5, "month": 5}),
        "census": ({"year": 6, "month": 2}, None),
        "siege": ({"year": 7, "month": 3}, None),
        "decree": ({"year": 10}, {"year": 19}),
        "comet": ({"year": 3}, None),
        "envoy": ({"year": 4}, None),
    }  # fmt: skip


async def test_words_stay_words_in_html(eras):
    envoy = (await slides(eras))["envoy"]
    assert envoy["text"]["headline"] == "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;marks&quot;"
    assert envoy["text"]["text"].startswith("<p>&lt;img src=x onerror=alert(2)&gt; it&#x27;s</p>")
    assert envoy["group"] == "change of office"
    # TimelineJS decodes this one once before it puts it into the page.
    assert "<" not in unescape(envoy["display_date"])
    assert unescape(unescape(envoy["display_date"])) == "in <b>4</b> & <img src=x onerror=alert(3)>"
    title = (await timeline(eras, "format=timelinejs"))["title"]
    assert title["text"]["headline"] == "Dates &lt;of&gt; every sort"


async def test_a_slide_says_how_a_thing_is_said(eras, client):
    comet = (await slides(eras))["comet"]
    assert comet["text"]["headline"] == "Comet (attributed, denied)"
    assert "<p>Attributed: somebody else says it.</p><p>The source denies this.</p>" in comet["text"]["text"]
    body = await timeline(client, "format=timelinejs&limit=200")
    split = next(slide for slide in body["undated"] if slide["unique_id"] == "accusation-of-university-leadership")
    assert "<p>Said by: unnamed philosophy instructor.</p>" in split["text"]["text"]
    assert split["text"]["headline"].endswith(" (attributed)")
    failures = next(slide for slide in body["events"] if slide["unique_id"] == "great-leap-failures")
    assert failures["display_date"] == "by 1961"
    assert failures["text"]["headline"].endswith(" (evaluative)")


async def test_the_title_says_what_is_not_shown(client):
    response = await client.get("/v1/timeline?format=timelinejs&limit=3")
    assert response.headers["content-type"] == "application/vnd.fasti.timelinejs+json"
    body = response.json()
    assert (len(body["events"]), len(body["undated"]), body["scale"]) == (3, 3, "human")
    words = body["title"]["text"]["text"]
    assert words.startswith("<p>The first 3 of 11 dated events.</p>")
    assert '<a href="http://fasti.test/v1/events?dated=false">33</a>' in words
    assert "CC-BY-4.0" in words
    whole = await timeline(client, "format=timelinejs")
    assert whole["title"]["text"]["text"].startswith("<p>11 dated events.</p>")
    assert "null" not in response.text
    link = whole["events"][0]["text"]["text"].split('"')[1]
    assert (await client.get(link)).json()["id"] == whole["events"][0]["unique_id"]


async def test_slides_obey_range_match_and_accept(client):
    asked = {"accept": "application/vnd.fasti.timelinejs+json"}
    response = await client.get("/v1/timeline?from=1950&to=1950&match=possible", headers=asked)
    listed = (await client.get("/v1/events?from=1950&to=1950&match=possible")).json()["items"]
    assert [slide["unique_id"] for slide in response.json()["events"]] == [item["id"] for item in listed]
    assert len(response.json()["undated"]) == 20


async def test_years_that_javascript_does_not_know_are_cosmological(tmp_path):
    pack = (
        (ROOT / "tests" / "calendars" / "eras" / "pack.yaml")
        .read_text("utf-8")
        .replace('"0012/.."', '"Y-300000/Y-299999"')
    )
    folder = tmp_path / "seed" / "eras"
    folder.mkdir(parents=True)
    (folder / "pack.yaml").write_text(pack, "utf-8")
    for name in ("source.txt", "spans.json"):
        (folder / name).write_bytes((ROOT / "tests" / "calendars" / "eras" / name).read_bytes())
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'fasti.db'}", seed_dir=tmp_path / "seed", source_dir=None)
    load(settings)
    async with LifespanManager(create_app(settings)) as manager:
        transport = httpx.ASGITransport(manager.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://fasti.test") as client:
            assert (await timeline(client, "format=timelinejs"))["scale"] == "cosmological"
            assert (await timeline(client, "format=timelinejs&from=-0500"))["scale"] == "human"
            assert (await client.get("/v1/timeline")).status_code == 422
