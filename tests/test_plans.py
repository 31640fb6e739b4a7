"""No question reads a table from one end to the other, on either database: what is asked of it is found by an index."""

import re
import shutil
import sqlite3
from pathlib import Path

import httpx
import pytest
from asgi_lifespan import LifespanManager
from sqlalchemy import event, make_url
from sqlalchemy.engine import Engine

from app import index, statements
from app.cursors import seal
from app.main import create_app
from app.seal import put
from app.selection import Plan

pytestmark = pytest.mark.anyio
LARGE = "record|relation|citation|passage|entry|term|stem|event|person|estimate|quote_subject|bucket|zone"
TIMES = 3_000
DEEP = seal(Plan({}, ["start"], 20).signature("events"), [2436000, "e"])
QUESTIONS = {
    "one": "/v1/events/great-leap-forward-announcement",
    "missing": "/v1/events/great-leap-forward-announcemen",
    "list": "/v1/events",
    "backwards": "/v1/events?sort=-start",
    "by end": "/v1/events?sort=end",
    "by name": "/v1/people?sort=-name",
    "all by name": "/v1/records",
    "all by end": "/v1/records?sort=-end",
    "by the lowest figure": "/v1/estimates?sort=low",
    "by the highest figure": "/v1/estimates?sort=-high",
    "by figure, unknown last": "/v1/estimates?sort=value",
    "relations by end": "/v1/relations?sort=end",
    "relations by predicate": "/v1/relations?sort=predicate",
    "by date": "/v1/events?from=1957&to=1958",
    "by date, possible": "/v1/events?from=1957&to=1958&match=possible",
    "by date, certain": "/v1/relations?from=1957&to=1958&match=certain",
    "by person": "/v1/events?person=mao-zedong",
    "by person and predicate": "/v1/events?person=mao-zedong&predicate=opposed",
    "by type and date": "/v1/events?type=campaign&from=1957",
    "by stance": "/v1/events?stance=goal",
    "by section": "/v1/events?section=no-lessons-learned",
    "by attribution": "/v1/estimates?attributed_to=scholars",
    "relations from one": "/v1/relations?subject=mao-zedong",
    "relations of one": "/v1/relations?record=mao-zedong",
    "relations of one that stand in a section": "/v1/relations?record=mao-zedong&section=no-lessons-learned",
    "citations of one": "/v1/citations?record=mao-zedong",
    "citations of a section": "/v1/citations?section=no-lessons-learned",
    "deep": f"/v1/events?cursor={DEEP}",
    "includes": "/v1/events/great-leap-forward-announcement?include=relations,citations,records",
    "neighbors": "/v1/records/mao-zedong/neighbors?depth=2",
    "paths": "/v1/paths?from=great-leap-failures&to=party-split",
    "evidence": "/v1/records/mao-zedong/evidence",
    "timeline": "/v1/timeline?bucket=decade",
    "timeline of a type": "/v1/timeline?bucket=year&type=campaign",
    "facets": "/v1/events?facets=type,stance,person,section,decade",
    "facets under a filter": "/v1/events?type=campaign&facets=stance,person,section,predicate",
    "facets of relations": "/v1/relations?subject=mao-zedong&facets=predicate,stance,causality",
    "total": "/v1/events?total=true",
    "search": "/v1/search?q=famine",
    "search for two": "/v1/search?q=famine+china",
    "suggest": "/v1/suggest?q=mao",
}


def grown(url, folder):
    """The same database on SQLite, which is told that each table has some thousand times as many rows: the planner
    reads small ones as a whole."""
    if not url.startswith("sqlite"):
        return url
    copy = shutil.copy(make_url(url).database or "", folder / "fasti.db")
    connection = sqlite3.connect(copy)
    for table, name, stat in connection.execute("SELECT tbl, idx, stat FROM sqlite_stat1").fetchall():
        rows, *each = map(int, stat.split(" "))
        larger = [rows * TIMES, *(number * TIMES if number > 5 else number for number in each)]
        where = "WHERE tbl = ? AND idx IS ?"
        connection.execute(f"UPDATE sqlite_stat1 SET stat = ? {where}", (" ".join(map(str, larger)), table, name))
    connection.commit()
    connection.close()
    put(Path(copy))
    return f"sqlite:///{copy}"


@pytest.fixture(scope="module")
async def plans(settings, tmp_path_factory):
    """Asks a question, and gives what the database says of how it answers each statement."""
    folder = tmp_path_factory.mktemp("plans")
    found, explaining = list[tuple[str, list[str]]](), list[str]()
    asked = statements.ask

    def explained(connection, sql, bound):
        if explaining or sql.startswith(("EXPLAIN", "SET", "RESET", "PRAGMA")):
            return
        explaining.append(sql)
        if connection.dialect.name == "sqlite":
            rows = asked(connection, f"EXPLAIN QUERY PLAN {sql}", bound)
            found.append((sql, [row[3] for row in rows]))
        else:
            # Where no index serves, a table is read as a whole even though that is forbidden.
            found.append((sql, [row[0] for row in asked(connection, f"EXPLAIN {sql}", bound)]))
        explaining.clear()

    def ask(connection, sql, bound):
        explained(connection, sql, bound)
        return asked(connection, sql, bound)

    def execute(connection, _, sql, bound, *__):
        explained(connection, sql, bound)

    uncached = settings.model_copy(update={"cache_bytes": 0, "database_url": grown(settings.database_url, folder)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statements, "ask", ask)
        patch.setattr(index, "ask", ask)
        event.listen(Engine, "before_cursor_execute", execute)
        async with LifespanManager(create_app(uncached)) as manager:
            transport = httpx.ASGITransport(manager.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://fasti.test") as client:

                async def of(url):
                    found.clear()
                    response = await client.get(url)
                    assert response.status_code in (200, 404), response.text
                    return list(found)

                yield of
        event.remove(Engine, "before_cursor_execute", execute)


def scanned(sql, steps):
    """The steps that read a whole table. To go along an index as far as a limit allows is none."""
    if steps and re.search(r"\(cost=|Scan|Result", steps[0]):
        return [step for step in steps if re.search(rf"Seq Scan on ({LARGE})\b", step)]
    in_order = "LIMIT" in sql and not any("TEMP B-TREE FOR ORDER BY" in step for step in steps)
    return [
        step
        for step in steps
        if re.match(rf"SCAN ({LARGE})\b", step) and not (in_order and "USING" in step) and "VIRTUAL TABLE" not in step
    ]


@pytest.mark.parametrize("name", QUESTIONS)
async def test_nothing_is_read_from_one_end_to_the_other(plans, name):
    found = await plans(QUESTIONS[name])
    assert found
    assert [(sql, bad) for sql, steps in found if (bad := scanned(sql, steps))] == []


def test_a_scan_is_known_when_it_is_seen():
    assert scanned("SELECT document FROM record", ["SCAN record"]) == ["SCAN record"]
    walk = ["SCAN record USING INDEX ix_record_name_key_id"]
    assert (scanned("SELECT document FROM record LIMIT 1", walk), scanned("SELECT pk FROM record", walk)) == ([], walk)
    assert scanned("SELECT 1", ["Seq Scan on relation  (cost=0.00..1.00 rows=1 width=8)"]) != []
