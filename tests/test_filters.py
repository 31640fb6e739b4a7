"""Every filter, span and sort against what the documents themselves say, on both databases."""

import pytest

from app.analysis import name_key
from app.dates import parse

pytestmark = pytest.mark.anyio


async def walk(client, target):
    """All items, page after page."""
    items = []
    while target:
        response = await client.get(target)
        assert response.status_code == 200, response.text
        items += response.json()["items"]
        target = response.json()["next"]
    return items


async def ids(client, target):
    """The ids of one page."""
    response = await client.get(target)
    assert response.status_code == 200, response.text
    return [item["id"] for item in response.json()["items"]]


def has(key, *wanted):
    """Whether an item's key is, or refers to, one of these."""

    def holds(item):
        value = item[key]
        return (value["id"] if isinstance(value, dict) else value) in wanted

    return holds


def among(key, wanted, inner=None):
    """Whether one of an item's references is this."""
    return lambda item: wanted in [(each[inner] if inner else each)["id"] for each in item[key]]


@pytest.mark.parametrize(
    ("name", "query", "holds"),
    [
        ("records", "id=china,mao-zedong", has("id", "china", "mao-zedong")),
        ("records", "kind=person&kind=place", has("kind", "person", "place")),
        ("records", "stance=goal&stance=attributed", has("stance", "goal", "attributed")),
        ("records", "polarity=negative", has("polarity", "negative")),
        ("records", "attributed_to=mao-zedong,scholars", has("attributed_to", "mao-zedong", "scholars")),
        ("people", "name_known=false", has("name_known", False)),
        ("organizations", "name_known=true", has("name_known", True)),
        ("organizations", "type=state", has("type", "state")),
        ("events", "dated=true", lambda item: bool(item["date"] and item["date"]["edtf"])),
        ("events", "dated=false", lambda item: not (item["date"] and item["date"]["edtf"])),
        ("events", "person=liu-shaoqi", among("involved", "liu-shaoqi", "record")),
        ("events", "organization=chinese-state", among("involved", "chinese-state", "record")),
        ("events", "place=china", among("places", "china")),
        ("events", "policy=propaganda-posters", among("policies", "propaganda-posters")),
        ("policies", "initiator=mao-zedong", among("initiators", "mao-zedong")),
        ("estimates", "measure=deaths", has("measure", "deaths")),
        ("estimates", "unit=times", has("unit", "times")),
        ("estimates", "place=soviet-union", has("place", "soviet-union")),
        ("estimates", "subject=great-leap-famine", has("subject", "great-leap-famine")),
        ("quotes", "form=reported", has("form", "reported")),
        ("quotes", "speaker=mao-zedong", has("speaker", "mao-zedong")),
        ("quotes", "about=liu-shaoqi", among("about", "liu-shaoqi")),
        ("relations", "subject=mao-zedong", has("subject", "mao-zedong")),
        ("relations", "object=mao-zedong", has("object", "mao-zedong")),
        ("relations", "record=mao-zedong", lambda item: "mao-zedong" in (item["subject"]["id"], item["object"]["id"])),
        ("relations", "predicate=held_office&predicate=headed", has("predicate", "held_office", "headed")),
        ("relations", "causality=implied", has("causality", "implied")),
        ("relations", "stance=goal", has("stance", "goal")),
        ("relations", "polarity=negative", has("polarity", "negative")),
        ("relations", "attributed_to=mao-zedong", has("attributed_to", "mao-zedong")),
        ("citations", "record=mao-zedong", has("target", "mao-zedong")),
        ("citations", "relation=liu-shaoqi.succeeded.mao-zedong", has("target", "liu-shaoqi.succeeded.mao-zedong")),
        ("citations", "section=no-lessons-learned", has("section", "no-lessons-learned")),
        ("citations", "passage=hartnett-great-leap-forward-p2", has("passage", "hartnett-great-leap-forward-p2")),
        ("passages", "section=no-lessons-learned", has("section", "no-lessons-learned")),
        ("passages", "record=liu-shaoqi", among("anchors", "liu-shaoqi", "target")),
    ],
)
async def test_a_filter_keeps_exactly_what_its_items_say(client, name, query, holds):
    whole = await walk(client, f"/v1/{name}?limit=200")
    wanted = [item["id"] for item in whole if holds(item)]
    assert await ids(client, f"/v1/{name}?{query}&limit=200") == wanted
    assert 0 < len(wanted) < len(whole)


@pytest.mark.parametrize("type_", ["record", "relation"])
async def test_what_rests_on_a_section_is_what_is_cited_from_it(client, type_):
    cited = await walk(client, "/v1/citations?section=no-lessons-learned&limit=200")
    targets = {citation["target"]["id"] for citation in cited if citation["target"]["type"] == type_}
    assert set(await ids(client, f"/v1/{type_}s?section=no-lessons-learned&limit=200")) == targets


async def test_a_record_is_tied_at_either_end_by_the_predicates_asked_for(client):
    relations = await walk(client, "/v1/relations?limit=200")
    ends = [(r["predicate"], *pair) for r in relations for pair in
            [(r["subject"]["id"], r["object"]["id"]), (r["object"]["id"], r["subject"]["id"])]]  # fmt: skip
    for query, wanted in {
        "predicate=caused": {one for predicate, one, _ in ends if predicate == "caused"},
        "record=liu-shaoqi": {one for _, one, other in ends if other == "liu-shaoqi"},
        "record=liu-shaoqi&predicate=caused&predicate=affected": {
            one for predicate, one, other in ends if other == "liu-shaoqi" and predicate in ("caused", "affected")
        },
    }.items():
        assert set(await ids(client, f"/v1/records?{query}&limit=200")) == wanted
        assert wanted


# 1957 to 1962; by 1962; undated.
CAMPAIGN, END, FAMINE = "great-leap-forward-campaign", "great-leap-end", "great-leap-famine"


@pytest.mark.parametrize(
    ("span", "found"),
    [
        ("to=1957-01-01", [CAMPAIGN]),
        ("to=1956-12-31", []),
        ("from=1962-12-31", [CAMPAIGN, END]),
        ("from=1963-01-01", []),
        ("from=1961-12-31&to=1961-12-31", [CAMPAIGN]),
        ("from=1962-01-01&to=1962-01-01", [CAMPAIGN, END]),
        ("to=1957-01-01&match=possible", [CAMPAIGN, END]),
        ("to=1956-12-31&match=possible", [END]),
        ("from=1962-12-31&match=possible", [CAMPAIGN, END]),
        ("from=1963-01-01&match=possible", []),
        ("from=1957-01-01&to=1962-12-31&match=certain", [CAMPAIGN]),
        ("from=1957-01-02&to=1962-12-31&match=certain", []),
        ("from=1957-01-01&to=1962-12-30&match=certain", []),
        ("from=1957-01-01&match=certain", [CAMPAIGN]),
        ("to=1962-12-31&match=certain", [CAMPAIGN, END]),
    ],
)
async def test_a_span_counts_to_the_day(client, span, found):
    assert await ids(client, f"/v1/events?id={CAMPAIGN},{END},{FAMINE}&sort=id&{span}") == sorted(found)


# 15 to 45 million; 5 to 7 million; 2; and two without a figure.
CHINESE, SOVIET, STEEL = "chinese-famine-deaths", "soviet-famine-deaths", "steel-output-doubling"


@pytest.mark.parametrize(
    ("amount", "found"),
    [
        ("min=7000000", [CHINESE, SOVIET]),
        ("min=7000001", [CHINESE]),
        ("max=5000000", [SOVIET, STEEL]),
        ("max=4999999", [STEEL]),
        ("min=2&max=2", [STEEL]),
        ("min=5000000&max=7000000&amount_match=certain", [SOVIET]),
        ("min=5000001&max=7000000&amount_match=certain", []),
        ("min=5000000&max=6999999&amount_match=certain", []),
        ("min=2&amount_match=certain", [CHINESE, SOVIET, STEEL]),
        ("max=45000000&amount_match=certain", [CHINESE, SOVIET, STEEL]),
    ],
)
async def test_a_figure_counts_to_the_last_one(client, amount, found):
    assert await ids(client, f"/v1/estimates?sort=id&{amount}") == found


def nulls_last(values, down):
    return sorted((v for v in values if v is not None), reverse=down) + [None] * values.count(None)


def stated(date):
    """The span as the source states it, which has an end where the bounds have none."""
    if date is None or date["edtf"] is None:
        return None, None
    span = parse(date["edtf"])
    days = date["days"]
    return (
        span.stated_start if days["earliest_start"] is None else days["earliest_start"],
        span.stated_end if days["latest_end"] is None else days["latest_end"],
    )


@pytest.mark.parametrize(
    ("name", "sort", "key"),
    [
        ("records", "name", lambda item: name_key(item["name"])),
        ("records", "id", lambda item: item["id"]),
        ("events", "start", lambda item: stated(item["date"])[0]),
        ("events", "end", lambda item: stated(item["date"])[1]),
        ("relations", "predicate", lambda item: item["predicate"]),
        ("relations", "end", lambda item: stated(item["date"])[1]),
        ("estimates", "low", lambda item: item["low"]),
        ("estimates", "high", lambda item: item["high"]),
        ("estimates", "value", lambda item: item["value"]),
        ("passages", "start", lambda item: item["start"]),
    ],
)
@pytest.mark.parametrize("sign", ["", "-"])
async def test_items_come_in_the_order_asked_for_and_the_unknown_last(client, name, sort, key, sign):
    values = [key(item) for item in await walk(client, f"/v1/{name}?sort={sign}{sort}&limit=200")]
    assert values == nulls_last(values, sign == "-")
    assert len(set(values)) > 1
