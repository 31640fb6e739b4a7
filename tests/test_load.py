"""Packs become tables whole or not at all, and a reader sees one revision."""

import functools
import json
import shutil

import httpx
import pytest
from anyio import create_task_group, sleep, to_thread
from asgi_lifespan import LifespanManager
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from app import schemas
from app.analysis import name_key
from app.curation import cite
from app.db import Database, revision_read
from app.errors import Problem
from app.load import RENDERING, load, revision_of, stored_revision
from app.main import create_app
from app.models import is_modelled, metadata
from app.pack import PackError
from app.postgresql import newest, published
from app.settings import ROOT, Settings
from app.target import migrate

WIRE: dict[str, type[schemas.Wire]] = {
    "event": schemas.Event, "person": schemas.Person, "policy": schemas.Policy, "estimate": schemas.Estimate,
    "organization": schemas.Organization, "place": schemas.Place, "quote": schemas.Quote, "source": schemas.Source,
}  # fmt: skip


def all_rows(connection, sql):
    return connection.execute(text(sql)).all()


@pytest.fixture
def copy(tmp_path):
    """Settings of an own SQLite database over an own copy of the seed."""
    shutil.copytree(ROOT / "seed", tmp_path / "seed")
    return Settings(
        database_url=f"sqlite:///{tmp_path / 'fasti.db'}",
        seed_dir=tmp_path / "seed",
        source_dir=None,
        refresh_seconds=0,
    )


@pytest.mark.anyio
async def test_every_document_has_exactly_the_shape_it_is_documented_with(settings):
    database = Database(settings)
    rows = await database.read(lambda connection: all_rows(connection, "SELECT kind, document FROM record"))
    assert len(rows) > 100
    for kind, document in rows:
        assert WIRE[kind].model_validate_json(document).model_dump(mode="json") == json.loads(document)
    evidence: dict[str, type[schemas.Wire]] = {
        "relation": schemas.Relation, "citation": schemas.Citation, "passage": schemas.Passage,
    }  # fmt: skip
    for table, wire in evidence.items():
        found = await database.read(functools.partial(all_rows, sql=f"SELECT document FROM {table}"))
        assert found
        for (document,) in found:
            assert wire.model_validate_json(document).model_dump(mode="json") == json.loads(document)
    database.close()


@pytest.mark.anyio
async def test_a_record_says_what_the_article_says(settings):
    database = Database(settings)
    query = "SELECT document FROM record WHERE id = 'great-leap-forward-campaign'"
    [(document,)] = await database.read(lambda connection: all_rows(connection, query))
    date = json.loads(document)["date"]
    assert date["edtf"] == "1957/"
    assert date["bounds"] == {
        "earliest_start": "1957-01-01", "latest_start": "1957-12-31", "earliest_end": None, "latest_end": "1962-12-31",
    }  # fmt: skip
    query = "SELECT low, high, value FROM estimate WHERE high = 45000000"
    assert await database.read(lambda connection: all_rows(connection, query)) == [(15000000, 45000000, None)]
    database.close()


@pytest.mark.anyio
async def test_a_serving_process_cannot_write(settings):
    database = Database(settings)
    with pytest.raises(Problem, match="cannot be read at the moment"):
        await database.read(lambda connection: connection.execute(text("DELETE FROM citation")))
    database.close()


@pytest.mark.anyio
async def test_a_query_too_long_for_the_event_loop_is_finished_in_a_thread(settings):
    count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT count(*) FROM n"
    database = Database(settings)
    assert await database.read(lambda connection: all_rows(connection, count)) == [(100_000,)]
    database.close()


@pytest.mark.anyio
async def test_a_long_query_is_stopped(settings):
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    database = Database(settings.model_copy(update={"query_seconds": 0.2}))
    with pytest.raises(Problem) as caught:
        await database.read(lambda connection: all_rows(connection, endless))
    assert caught.value.status == 503
    database.close()


def test_loading_twice_changes_nothing(settings):
    assert stored_revision(settings) == revision_of(settings)
    assert load(settings).changed is False


def test_a_load_keeps_the_newest_two_revisions_on_postgresql(postgresql):
    settings = Settings(database_url=postgresql, source_dir=None, refresh_seconds=0)
    load(settings)
    engine = create_engine(postgresql)
    with engine.connect() as connection:
        before = newest(published(connection))
    for _ in range(3):
        assert load(settings, force=True).changed
    with engine.connect() as connection:
        names = connection.execute(text("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'fasti%'")).scalars().all()
        assert newest(published(connection)) == f"fasti_{int(before[6:]) + 3:09d}"
    assert len(names) == 2
    engine.dispose()


def test_one_load_waits_for_another_on_postgresql(postgresql):
    engine = create_engine(postgresql)
    impatient = make_url(postgresql).update_query_dict({"options": "-clock_timeout=100"}).render_as_string(False)
    with engine.begin() as other:
        other.execute(text("SELECT pg_advisory_xact_lock(4205)"))
        with pytest.raises(OperationalError, match="lock timeout"):
            load(Settings(database_url=impatient, source_dir=None), force=True)
    engine.dispose()


def test_the_migrations_make_exactly_the_tables_of_the_models(tmp_path):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    engine = create_engine(f"sqlite:///{tmp_path / 'm.db'}")
    with engine.begin() as connection:
        migrate(connection)
        context = MigrationContext.configure(connection, opts={"include_name": is_modelled})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


@pytest.mark.anyio
async def test_a_server_turns_to_a_new_revision_by_itself(copy):
    first = load(copy).revision
    database = Database(copy)
    assert await database.refresh() == first
    remark(copy)
    second = load(copy).revision
    assert second != first
    assert await database.refresh() == second
    database.close()


def in_threads(monkeypatch):
    """Nothing is done on the event loop, whose connection is never opened late."""
    monkeypatch.setattr("app.db.INLINE_STEPS", 1)
    monkeypatch.setattr("app.db.STEP", 1)


def remark(settings):
    people = settings.seed_dir / "great-leap-forward" / "people.yaml"
    people.write_text(people.read_text("utf-8") + "\n# a remark\n", "utf-8")


@pytest.mark.anyio
async def test_a_connection_opened_late_reads_no_other_revision_than_it_says(copy, monkeypatch):
    first = load(copy).revision
    in_threads(monkeypatch)
    database = Database(copy.model_copy(update={"refresh_seconds": 1000}))
    await database.refresh()
    # What is held makes the next read open the file anew, by a path that leads to another revision now.
    assert database._served is not None
    with database._served.engine.connect():
        remark(copy)
        second = load(copy).revision
        read = await database.read(lambda c: (revision_read(c), all_rows(c, "SELECT name FROM revision")))
    assert read == (second, [(second,)]) != (first, [(first,)])
    database.close()


@pytest.mark.anyio
async def test_an_answer_is_tagged_by_the_revision_that_it_holds(copy, monkeypatch):
    in_threads(monkeypatch)
    load(copy)
    app = create_app(copy.model_copy(update={"refresh_seconds": 1000}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://fasti.test") as client:
        before = await client.get("/v1/people")
        with app.state.database._served.engine.connect():
            remark(copy)
            revision = load(copy).revision
            late = await client.get("/v1/people?limit=3")
        assert late.json()["revision"] == revision != before.json()["revision"]
        after = await client.get("/v1/people")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app(copy)), base_url="http://fasti.test") as new:
        for answer, target in ((late, "/v1/people?limit=3"), (after, "/v1/people")):
            again = await new.get(target)
            assert (again.content, again.headers["etag"]) == (answer.content, answer.headers["etag"])
            match = {"if-none-match": answer.headers["etag"].removeprefix("W/")}
            assert (await new.get(target, headers=match)).status_code == 304


@pytest.mark.anyio
async def test_a_folder_may_have_any_name(copy):
    odd = copy.seed_dir.parent / "a#b %c"
    settings = copy.model_copy(update={"database_url": f"sqlite:///{odd}/fasti.db"})
    revision = load(settings).revision
    assert await Database(settings).refresh() == revision


@pytest.mark.anyio
async def test_a_load_may_be_made_in_a_folder_with_a_question_mark(copy, monkeypatch):
    odd = copy.seed_dir.parent / "what?"
    odd.mkdir()
    monkeypatch.chdir(odd)
    database = Database(copy.model_copy(update={"database_url": "sqlite:///fasti.db"}))
    load(database.settings)
    await database.refresh()
    [(entries,)] = await database.read(lambda connection: all_rows(connection, "SELECT count(*) FROM entry"))
    assert entries > 10
    assert sorted(path.name for path in odd.parent.iterdir()) == ["seed", "what?"]


@pytest.mark.anyio
async def test_those_who_come_during_a_look_wait_for_it(postgresql):
    settings = Settings(database_url=postgresql, source_dir=None, refresh_seconds=0.2)
    load(settings)
    database = Database(settings)
    await database.refresh()
    for _ in range(2):
        load(settings, force=True)
    await sleep(0.3)
    found = []

    async def read():
        found.append(await database.read(lambda c: all_rows(c, "SELECT count(*) FROM record")))

    async with create_task_group() as group:
        for _ in range(20):
            group.start_soon(read)
    assert len(found) == 20
    database.close()


@pytest.mark.anyio
async def test_a_server_looks_for_a_new_revision_no_more_often_than_it_is_told(copy):
    first = load(copy).revision
    database = Database(copy.model_copy(update={"refresh_seconds": 3600}))
    assert await database.refresh() == first
    (copy.seed_dir / "great-leap-forward" / "more.yaml").touch()
    assert load(copy).revision != first
    assert await database.refresh() == first
    database.close()


@pytest.mark.parametrize(
    "name",
    [*(f"app/{module}.py" for module in RENDERING), "texts/article.txt", "migrations/versions/9999_more.py"],
)  # fmt: skip
def test_whatever_a_document_is_made_of_is_in_the_name_of_the_revision(copy, monkeypatch, name):
    root = copy.seed_dir.parent
    for folder in ("app", "migrations"):
        shutil.copytree(ROOT / folder, root / folder)
    (root / "texts").mkdir()
    monkeypatch.setattr("app.load.ROOT", root)
    settings = copy.model_copy(update={"source_dir": root / "texts"})
    before = revision_of(settings)
    with (root / name).open("a") as file:
        file.write("\n")
    assert revision_of(settings) != before


@pytest.mark.anyio
async def test_a_broken_pack_or_file_leaves_what_is_served(copy):
    revision = load(copy).revision
    database = Database(copy)
    await database.refresh()
    people = copy.seed_dir / "great-leap-forward" / "people.yaml"
    people.write_text(people.read_text("utf-8") + "- id: mao-zedong\n", "utf-8")
    with pytest.raises(PackError):
        load(copy)
    assert stored_revision(copy) == revision
    (copy.seed_dir.parent / "other").write_bytes(b"no database" * 100)
    (copy.seed_dir.parent / "other").replace(copy.seed_dir.parent / "fasti.db")
    assert await database.refresh() == revision
    assert await database.read(lambda connection: all_rows(connection, "SELECT name FROM revision")) == [(revision,)]
    database.close()


@pytest.mark.anyio
async def test_without_data_there_is_a_problem_and_no_crash(tmp_path):
    database = Database(Settings(database_url=f"sqlite:///{tmp_path / 'none.db'}"))
    with pytest.raises(Problem) as caught:
        await database.refresh()
    assert (caught.value.status, caught.value.headers["retry-after"]) == (503, "1")
    transport = httpx.ASGITransport(create_app(database.settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://fasti.test") as client:
        for target in ("/v1", "/v1/events", "/v1/events/none", "/v1/sources/none/passages"):
            response = await client.get(target)
            assert (response.status_code, response.json()["type"]) == (503, "/problems/unavailable")
            assert (response.headers["retry-after"], response.headers["cache-control"]) == ("1", "no-store")


def test_two_packs_may_not_share_an_id(copy):
    shutil.copytree(copy.seed_dir / "great-leap-forward", copy.seed_dir / "second")
    with pytest.raises(PackError, match="the id 'china' is taken, by the place at "):
        load(copy)


def test_the_mistakes_of_all_packs_are_told(copy):
    shutil.copytree(copy.seed_dir / "great-leap-forward", copy.seed_dir / "second")
    for folder in copy.seed_dir.glob("*/"):
        (folder / "more.yaml").write_text("plcaes: []\n", "utf-8")
    with pytest.raises(PackError) as caught:
        load(copy)
    assert [complaint.path for complaint in caught.value.complaints[:2]] == [
        str(copy.seed_dir / name / "more.yaml") for name in ("great-leap-forward", "second")
    ]


def test_a_load_that_fails_leaves_nothing_behind(copy, tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        load(copy.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'taken'}"}))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seed", "taken"]


def test_two_packs_may_not_share_a_relation(tmp_path):
    for name in ("one", "two"):
        folder = tmp_path / "seed" / name
        folder.mkdir(parents=True)
        (folder / "source.txt").write_text("He fell.", "utf-8")
        (folder / "pack.yaml").write_text(
            f"pack: {{id: {name}, title: T, description: D., licence: L, citation: C.}}\n"
            f"sources: [{{id: {name}, name: N, summary: S., type: t, licence: L, cite: [He fell]}}]\n"
            f"relations: [{{id: same, subject: {name}, predicate: judged, object: {name}, cite: [He fell]}}]\n", "utf-8"
        )  # fmt: skip
        cite(folder)
    with pytest.raises(PackError, match="the relation 'same' is there twice"):
        load(Settings(database_url=f"sqlite:///{tmp_path / 'fasti.db'}", seed_dir=tmp_path / "seed", source_dir=None))


def test_a_seed_folder_without_packs_is_refused(tmp_path):
    with pytest.raises(PackError, match="no pack"):
        load(Settings(seed_dir=tmp_path))


@pytest.mark.parametrize(("name", "key"), [("The Élan", "elan"), ("Łukasz", "łukasz"), ("Theory", "theory")])
def test_names_are_sorted_without_case_accent_or_article(name, key):
    assert name_key(name) == key


@pytest.mark.anyio
async def test_no_reader_has_an_error_while_loads_are_under_way(settings):
    targets = ["/v1", "/v1/events?limit=3", "/v1/search?q=famine", "/v1/records/mao-zedong/evidence", "/v1/passages"]
    loaded = []

    async def load_twice():
        for _ in range(2):
            loaded.append(await to_thread.run_sync(functools.partial(load, settings, force=True)))

    app = create_app(settings.model_copy(update={"cache_bytes": 0}))
    transport = httpx.ASGITransport(app)
    async with LifespanManager(app), httpx.AsyncClient(transport=transport, base_url="http://fasti.test") as client:
        before = {target: (await client.get(target)).content for target in targets}
        seen = 0
        async with create_task_group() as group:
            group.start_soon(load_twice)
            while len(loaded) < 2:
                for target in targets:
                    answer = await client.get(target)
                    assert (answer.status_code, answer.content) == (200, before[target])
                    seen += 1
        assert seen > len(targets)
    assert [each.changed for each in loaded] == [True, True]
