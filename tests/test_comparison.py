"""Estimates side by side: like with like, intervals, and nothing made up."""

from contextlib import asynccontextmanager

import httpx
import pytest
from asgi_lifespan import LifespanManager

from app.curation import cite
from app.load import load
from app.main import create_app
from app.pack import PackError
from app.settings import Settings

pytestmark = pytest.mark.anyio
CHINA = "deaths/persons/estimate/great-leap-famine/china"
SOVIET = "deaths/persons/estimate/soviet-famine/soviet-union"
STEEL = "steel_output/times/target/great-leap-forward/china/goal"
DEADLY = "deadliness/-/superlative/great-leap-famine/-"


async def compared(client, query):
    response = await client.get(f"/v1/estimates/compare?{query}")
    assert response.status_code == 200, response.text
    return response.json()


PACK = """
pack: {id: ships, title: Ships, description: Made up., licence: CC0-1.0, citation: Made up.}
sources: [{id: roll, name: Roll, type: roll, licence: CC0-1.0, summary: Made up., cite: [many ships]}]
events:
  - {id: fleet, name: Fleet, type: gathering, summary: Made up., cite: [many ships]}
  - {id: fire, name: Fire, type: disaster, summary: Made up., cite: [many ships]}
places: [{id: porta, name: Porta, type: harbour, summary: Made up., cite: [many ships]}]
people: [{id: senna, name: Senna, summary: Made up., cite: [many ships]}]
estimates:
"""


def estimate(name, own, **more):
    """A line of a pack: an estimate of the fleet's ships."""
    kept = {"type": "estimate", "measure": "ships", "subject": "fleet", "unit": "ships"} | more
    fields = ", ".join(f"{key}: {value}" for key, value in kept.items())
    return f"  - {{id: {name}, name: {name}, summary: Made up., {fields}, {own}, cite: [many ships]}}"


@asynccontextmanager
async def serving(database, seed):
    settings = Settings(database_url=f"sqlite:///{database}", seed_dir=seed, source_dir=None)
    load(settings)
    async with LifespanManager(create_app(settings)) as manager:
        transport = httpx.ASGITransport(manager.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://fasti.test") as client:
            yield client


@pytest.fixture
def packed(tmp_path):
    """A function that serves a pack with these estimates."""

    def serve(*estimates):
        folder = tmp_path / "seed" / "ships"
        folder.mkdir(parents=True)
        (folder / "source.txt").write_text("There were many ships.\n", "utf-8")
        (folder / "pack.yaml").write_text(PACK + "\n".join(estimates) + "\n", "utf-8")
        cite(folder)
        return serving(tmp_path / "fasti.db", tmp_path / "seed")

    return serve


async def test_the_ratio_of_two_famines_is_an_interval(client):
    body = await compared(client, "measure=deaths")
    assert [group["key"] for group in body["groups"]] == [CHINA, SOVIET]
    china, soviet = body["groups"]
    assert china["envelope"] == {"low": 15_000_000, "high": 45_000_000, "reason": None}
    assert (china["agreement"], china["finding"]) == ("single", "One estimate: 15,000,000 to 45,000,000 persons.")
    assert [(v["kind"], v["record"]["id"]) for v in china["voices"]] == [("named", "scholars")]
    assert [(v["kind"], v["name"]) for v in soviet["voices"]] == [("author", "Lynne Ann Hartnett")]
    assert soviet["voices"][0]["record"]["id"] == "hartnett-great-leap-forward"
    assert soviet["assumptions"] == china["assumptions"] == []
    [ratio] = body["ratios"]
    assert (ratio["of"], ratio["to"]) == (CHINA, SOVIET)
    assert ratio["interval"] == {"low": 2.14, "high": 9, "exact_low": "15/7", "exact_high": "9"}
    assert "is between 2.14 and 9 times the second" in ratio["sense"]
    assert (body["refused"], body["pairs_left_out"]) == ([], 0)


async def test_an_estimate_stands_as_its_own_record_says(client):
    body = await compared(client, "measure=deaths&subject=great-leap-famine")
    [[member]] = [group["members"] for group in body["groups"]]
    record = (await client.get(member["url"])).json()
    assert record["id"] == "chinese-famine-deaths"
    for key in (
        "low",
        "high",
        "value",
        "approximate",
        "hedge",
        "stance",
        "polarity",
        "place",
        "date",
        "citation_count",
    ):
        assert member[key] == record[key]


async def test_unlike_things_are_refused_with_every_reason(client):
    body = await compared(client, "measure=deaths,steel_output&measure=deadliness")
    assert len(body["ratios"]) == 1
    reasons = {tuple(each["groups"]): [r["reason"] for r in each["reasons"]] for each in body["refused"]}
    assert reasons[CHINA, STEEL] == ["different-measure", "different-unit", "different-type", "different-stance"]
    assert reasons[DEADLY, CHINA] == ["different-measure", "different-unit", "different-type", "no-figure"]
    assert len(reasons) == 5
    details = {r["reason"]: r["detail"] for each in body["refused"] for r in each["reasons"]}
    assert details["different-type"].endswith("what is aimed at is no result.")
    assert "a superlative ranks and does not count" in details["no-figure"]
    [deadly] = [group for group in body["groups"] if group["key"] == DEADLY]
    assert (deadly["envelope"], deadly["agreement"], deadly["finding"]) == (None, "none", "No figure is given.")


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("measure=deaths&attributed_to=scholars", [CHINA]),
        ("measure=deaths&place=soviet-union", [SOVIET]),
        ("measure=deaths&stance=asserted", [SOVIET]),
        ("measure=steel_output&type=target", [STEEL]),
        ("measure=deaths&type=target", []),
    ],
)
async def test_filters_narrow_what_is_compared(client, query, keys):
    assert [group["key"] for group in (await compared(client, query))["groups"]] == keys


@pytest.mark.parametrize(
    ("query", "parameter", "near"),
    [
        ("", "measure", None),
        ("measure=", "measure", None),
        ("measure=death", "measure", "deaths"),
        ("measure=deaths&type=estimates", "type", "estimate"),
        ("measure=deaths&subject=great-leap-famin", "subject", "great-leap-famine"),
        ("measure=deaths&mesure=deaths", "mesure", "measure"),
    ],
)
async def test_what_is_wrong_is_said(client, query, parameter, near):
    response = await client.get(f"/v1/estimates/compare?{query}")
    assert response.status_code == 422
    [error] = response.json()["errors"]
    assert (error["parameter"], error["nearest"]) == (parameter, near)


async def test_two_chroniclers_disagree(ides):
    [group] = (await compared(ides, "measure=ships"))["groups"]
    assert (group["agreement"], group["envelope"]["low"], group["envelope"]["high"]) == ("disjoint", 300, 600)
    assert group["finding"] == (
        "2 estimates by 2 voices, and they disagree: ships-low (300 ships) and ships-high (500 to 600 ships) exclude "
        "each other, if the assumptions hold."
    )
    assert group["assumptions"] == ["ships-high names no place, and is taken to mean the same as the others: Porta."]
    assert sorted(voice["kind"] for voice in group["voices"]) == ["named", "unnamed"]
    assert [member["place"] and member["place"]["id"] for member in group["members"]] == [None, "porta"]


@pytest.mark.parametrize(
    ("figures", "agreement", "low", "high", "reason"),
    [
        (["value: 300", "value: 300"], "identical", 300, 300, None),
        (["{low: 1, high: 300}", "low: 300, high: 400"], "overlapping", 1, 400, None),
        (["low: 1, high: 299.5", "low: 300, high: 400"], "disjoint", 1, 400, None),
        (["low: 1, high: 9", "low: 2, high: 8", "low: 8.5, high: 9"], "disjoint", 1, 9, None),
        (["low: 500", "low: 100, high: 600"], "overlapping", 100, None, "e0 sets no most"),
        (["low: 500", "low: 100, high: 400"], "disjoint", 100, None, "e0 sets no most"),
        (["low: 500", "high: 600"], "overlapping", None, None, "e1 sets no least; e0 sets no most"),
        (["hedge: many", "value: 3"], "single", None, None, "e0 sets no least; e0 sets no most"),
        (["low: 2, value: 3, high: 4"], "single", 2, 4, None),
    ],
)  # fmt: skip
async def test_envelope_and_agreement_are_interval_arithmetic(packed, figures, agreement, low, high, reason):
    async with packed(*(estimate(f"e{i}", own.strip("{}")) for i, own in enumerate(figures))) as client:
        [group] = (await compared(client, "measure=ships"))["groups"]
    assert group["agreement"] == agreement
    assert group["envelope"] == {"low": low, "high": high, "reason": reason}
    assert group["voice_count"] == 1


async def test_only_like_is_put_with_like(packed):
    lines = [
        estimate("a", "value: 300"),
        estimate("denied", "value: 900, polarity: negative"),
        estimate("goal", "value: 800, stance: goal"),
        estimate("men", "value: 700", unit="men"),
        estimate("aim", "value: 600", type="target"),
        estimate("later", 'value: 500, date: {text: later, edtf: "-0042"}'),
        estimate("dated", 'value: 400, date: {text: then, edtf: "-0043"}'),
        estimate("burnt", "value: 200", subject="fire"),
        estimate("open", "low: 5", subject="porta"),
        estimate("zero", "low: 0, high: 5", subject="senna"),
    ]
    async with packed(*lines) as client:
        body = await compared(client, "measure=ships")
    groups = {group["key"]: [member["id"] for member in group["members"]] for group in body["groups"]}
    assert sorted(groups.values()) == [[line.split("id: ")[1].split(",")[0]] for line in sorted(lines)]
    assert groups["ships/ships/estimate/fleet/-/-0043"] == ["dated"]
    known = {members[0]: key for key, members in groups.items()}
    reasons = {frozenset(each["groups"]): [r["reason"] for r in each["reasons"]] for each in body["refused"]}
    for name, reason in [("denied", "denied"), ("goal", "different-stance"), ("men", "different-unit"),
                         ("aim", "different-type"), ("open", "unbounded"), ("zero", "not-positive")]:  # fmt: skip
        assert reasons[frozenset((known["a"], known[name]))] == [reason]
    ratios = {(each["of"], each["to"]): each["interval"]["exact_low"] for each in body["ratios"]}
    assert ratios[known["later"], known["a"]] == "5/3"
    assert (known["a"], known["burnt"]) in ratios
    assert len(body["ratios"]) + len(body["refused"]) == len(lines) * (len(lines) - 1) // 2


async def test_a_ratio_is_rounded_outwards_and_may_go_either_way(packed):
    lines = [estimate("a", "low: 2, high: 7"), estimate("b", "low: 3, high: 6", subject="fire")]
    async with packed(*lines) as client:
        [ratio] = (await compared(client, "measure=ships"))["ratios"]
    assert ratio["interval"] == {"low": 0.333, "high": 2.34, "exact_low": "1/3", "exact_high": "7/3"}
    assert ratio["sense"].endswith("; either may be the greater.")


async def test_more_than_can_be_compared_is_refused_and_more_pairs_are_counted(packed):
    async with packed(
        *(estimate(f"e{i}", "value: 1", unit=f"u{chr(97 + i % 26)}" + "x" * (i // 26)) for i in range(30))
    ) as client:
        body = await compared(client, "measure=ships")
    assert len(body["ratios"]) + len(body["refused"]) == 200
    assert body["pairs_left_out"] == 30 * 29 // 2 - 200


async def test_an_envelope_of_a_part_is_not_given(packed):
    async with packed(*(estimate(f"e{i}", "value: 1") for i in range(201))) as client:
        response = await client.get("/v1/estimates/compare?measure=ships")
    assert response.status_code == 422
    assert "more than 200 estimates have it" in response.json()["errors"][0]["detail"]


async def test_no_estimate_may_be_named_like_the_url(packed):
    with pytest.raises(PackError, match="choose another id"):
        packed(estimate("compare", "value: 1"))
