"""Lists against the plainest way to make them: look at every record, keep what is meant, sort, and cut into pages."""

import json
import random
from typing import Any

import httpx
import pytest
import yaml
from asgi_lifespan import LifespanManager
from sqlalchemy import create_engine, text

from app import dates, zones
from app.curation import cite
from app.load import load
from app.main import create_app
from app.models import record, relation
from app.postgresql import newest, published
from app.settings import Settings

pytestmark = pytest.mark.anyio
R = random.Random(7)
EVENT_COUNT, PEOPLE = 300, 12
TYPES = ("battle", "campaign", "trial")
PREDICATES = ("participated_in", "opposed", "announced")


def made_up_date():
    year = R.choice([R.randint(1940, 1970), R.randint(-60, 60), 1960])
    y, later = dates.year_text(year), dates.year_text(year + R.randint(0, 30))
    forms = [y, f"{y}-{R.randint(1, 12):02d}", f"{y}-0{R.randint(1, 9)}-1{R.randint(0, 9)}", f"{y}/{later}", f"[..{y}]",
             f"[{y}..]", f"{y}/..", f"../{y}", f"{y}~"]  # fmt: skip
    return {"text": "then", "edtf": R.choice(forms)} if R.random() < 0.85 else None


def claim(number):
    return {"cite": [f"word{number:03d}"], "stance": R.choice(["asserted", "asserted", "goal"])}


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lists") / "made-up"
    folder.mkdir()
    people = [{"id": f"p{n}", "name": f"Person {n % 5}", "summary": "Of no note.", **claim(n)} for n in range(PEOPLE)]
    events = []
    for n in range(EVENT_COUNT):
        own = {"id": f"e{R.randrange(10**6)}-{n}", "name": f"Event {R.randint(1, 60)}", "type": R.choice(TYPES)}
        events.append(own | {"summary": "It was.", "date": made_up_date(), **claim(PEOPLE + n)})
    pairs = {(min(R.randrange(PEOPLE), R.randrange(PEOPLE)), R.choice(PREDICATES), R.choice(events)["id"])
             for _ in range(700)}  # fmt: skip
    relations = [
        {"subject": f"p{p}", "predicate": predicate, "object": e, "date": made_up_date(), **claim(R.randrange(300))}
        for p, predicate, e in sorted(pairs)
    ]
    source = {"id": "text", "name": "Text", "summary": "Words.", "type": "text", "licence": "ours", "cite": ["word000"]}
    about = {"id": "made-up", "title": "Made up", "description": "For tests.", "licence": "ours", "citation": "None."}
    body = {"pack": about, "sources": [source], "people": people, "events": events, "relations": relations}
    (folder / "all.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(body))), "utf-8")
    (folder / "source.txt").write_text(
        "\n".join(f"Then word{n:03d} stood." for n in range(PEOPLE + EVENT_COUNT)), "utf-8"
    )
    return folder


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def made_up(request, pack, tmp_path_factory):
    cite(pack)
    place = tmp_path_factory.mktemp("lists-db")
    url = f"sqlite:///{place / 'fasti.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql").replace("/postgres?", "/lists?")
        admin = create_engine(request.getfixturevalue("postgresql"), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text("DROP DATABASE IF EXISTS lists"))
            connection.execute(text("CREATE DATABASE lists"))
        admin.dispose()
    settings = Settings(database_url=url, seed_dir=pack.parent, source_dir=None, refresh_seconds=0)
    with pytest.MonkeyPatch.context() as patch:
        # Runs so short that there are several of either size.
        patch.setattr(zones, "RUN", 5)
        load(settings)
        yield settings


@pytest.fixture(scope="module")
def rows(made_up):
    """All events and relations as their tables have them, with whom and by which predicates an event is tied."""
    engine = create_engine(made_up.database_url)
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"SET search_path TO {newest(published(connection))}"))
        relations = [row._mapping for row in connection.execute(relation.select())]
        found = [dict(row._mapping) for row in connection.execute(record.select().order_by(record.c.pk))]
    engine.dispose()
    for each in found:
        document = json.loads(each["document"])
        each["type"] = document.get("type")
        each["ties"] = [(found[r["subject"] - 1]["id"], r["predicate"]) for r in relations if r["object"] == each["pk"]]
    return {"events": [each for each in found if each["kind"] == "event"], "relations": [dict(r) for r in relations]}


@pytest.fixture(scope="module")
async def browser(made_up):
    async with LifespanManager(create_app(made_up)) as manager:
        transport = httpx.ASGITransport(manager.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://fasti.test") as client:
            yield client


def a_request(number):
    """Some list request, other for each number but always the same for one."""
    chance = random.Random(number)
    path = chance.choice(["events", "events", "relations"])
    given: dict[str, Any] = {"limit": chance.choice([1, 3, 20, 200])}
    if chance.random() < 0.6:
        first = chance.randint(1935, 1972) if chance.random() < 0.8 else chance.randint(-60, 60)
        last = first + chance.choice([0, 0, 1, 10])
        given |= {"from": dates.year_text(first)} if chance.random() < 0.8 else {}
        given |= {"to": dates.year_text(last)} if chance.random() < 0.8 else {}
        given["match"] = chance.choice(["stated", "possible", "certain"])
    if chance.random() < 0.2:
        given["dated"] = chance.choice(["true", "false"])
    if chance.random() < 0.3:
        given["stance"] = chance.choice(["asserted", "goal"])
    if path == "events":
        given |= {"type": chance.choice([*TYPES, "battle,trial"])} if chance.random() < 0.3 else {}
        given |= {"person": chance.choice(["p0", "p7", "p11", "p1,p2"])} if chance.random() < 0.4 else {}
    given |= {"predicate": chance.choice([*PREDICATES, "opposed,announced"])} if chance.random() < 0.2 else {}
    names = ["start", "end", "name", "id"] if path == "events" else ["start", "end", "predicate", "id"]
    keys = chance.sample(names, chance.choice([1, 1, 2]))
    if chance.random() < 0.6:
        given["sort"] = ",".join(chance.choice(["", "-"]) + key for key in keys)
    return path, given


def wanted(row, path, given):
    """Whether a row is meant, read off the words of the documentation."""
    if "dated" in given and (row["stated_start"] is not None) is not (given["dated"] == "true"):
        return False
    if {"from", "to"} & given.keys() and not in_time(row, given):
        return False
    if "stance" in given and row["stance"] != given["stance"]:
        return False
    if "type" in given and row["type"] not in given["type"].split(","):
        return False
    predicates = given.get("predicate", ",".join(PREDICATES)).split(",")
    if path == "relations":
        return row["predicate"] in predicates
    people = given["person"].split(",") if "person" in given else [f"p{n}" for n in range(PEOPLE)]
    tied = any(person in people and predicate in predicates for person, predicate in row["ties"])
    return tied or not {"person", "predicate"} & given.keys()


def in_time(row, given):
    first = dates.parse_day_range(given["from"])[0] if "from" in given else -dates.FAR
    last = dates.parse_day_range(given["to"])[1] if "to" in given else dates.FAR
    if row["stated_start"] is None:
        return False
    if given["match"] == "stated":
        return row["stated_start"] <= last and row["stated_end"] >= first
    soonest, latest = row["earliest_start"], row["latest_end"]
    if given["match"] == "possible":
        return (soonest is None or soonest <= last) and (latest is None or latest >= first)
    after = "from" not in given or (soonest is not None and soonest >= first)
    return after and ("to" not in given or (latest is not None and latest <= last))


def in_order(found, given):
    columns = {"start": "stated_start", "end": "stated_end", "name": "name_key", "id": "id", "predicate": "predicate"}
    keys = given.get("sort", "start").split(",")
    # Stable sorts, the last key first: what is unknown comes last, and equals follow their ids the last key's way.
    found = sorted(found, key=lambda row: row["id"], reverse=keys[-1].startswith("-"))
    for key in reversed(keys):
        column = columns[key.lstrip("-")]
        known = [row for row in found if row[column] is not None]
        # A reversed sort is stable as well.
        known.sort(key=lambda row: row[column], reverse=key.startswith("-"))
        found = known + [row for row in found if row[column] is None]
    return [row["id"] for row in found]


@pytest.mark.parametrize("number", range(250))
async def test_a_list_has_what_is_meant_in_order_and_once(browser, rows, number):
    path, given = a_request(number)
    contradictory = "from" in given and "to" in given and in_years(given["from"]) > in_years(given["to"])
    response = await browser.get(f"/v1/{path}", params=given | {"total": "true"})
    if contradictory:
        assert response.status_code == 422
        return
    left = in_order([row for row in rows[path] if wanted(row, path, given)], given)
    assert response.json()["total"] == len(left)
    for _ in range(60):
        body = response.json()
        assert [item["id"] for item in body["items"]] == left[: given["limit"]]
        del left[: given["limit"]]
        assert (body["next"] is None) is (not left)
        if not left:
            break
        response = await browser.get(body["next"])
        assert response.status_code == 200, response.text


def in_years(value):
    return dates.parse_day_range(value)[0]
