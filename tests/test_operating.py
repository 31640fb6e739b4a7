"""What an operator sees and sets: health, ids, logs, counts, names of hosts, headers that keep a page safe."""

import json
import logging
import re

import httpx
import pytest
from asgi_lifespan import LifespanManager

from app import logs
from app.main import create_app
from app.settings import Settings
from tests.bench.process import Server, fasti
from tests.cluster import until

pytestmark = pytest.mark.anyio


class Asking:
    """Clients of applications with other settings than the shared one's."""

    def __init__(self):
        self.open = []

    async def __call__(self, settings, **changes):
        app = create_app(settings.model_copy(update=changes))
        manager = LifespanManager(app)
        self.open.append(manager)
        transport = httpx.ASGITransport((await manager.__aenter__()).app, raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url="http://fasti.test")
        client.app = app  # type: ignore[attr-defined]
        return client


@pytest.fixture
async def asking():
    asking = Asking()
    yield asking
    for manager in asking.open:
        await manager.__aexit__(None, None, None)


@pytest.fixture
def nothing(tmp_path):
    return Settings(database_url=f"sqlite:///{tmp_path}/none.db", refresh_seconds=0)


async def test_a_process_with_data_lives_and_is_ready(client):
    live, ready = await client.get("/health/live"), await client.get("/health/ready")
    assert (live.status_code, live.json()) == (200, {"status": "live"})
    revision = (await client.get("/v1")).json()["revision"]
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "revision": revision})
    assert live.headers["cache-control"] == ready.headers["cache-control"] == "no-store"


async def test_without_data_it_lives_and_is_not_ready(asking, nothing):
    client = await asking(nothing)
    assert (await client.get("/health/live")).status_code == 200
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.headers["retry-after"]) == (503, "1")
    assert ready.headers["content-type"] == "application/problem+json"


async def test_a_failure_has_the_id_that_its_line_in_the_log_has(asking, settings, caplog):
    client = await asking(settings)

    async def broken():
        raise RuntimeError("secret words")

    client.app.add_api_route("/broken", broken)
    with caplog.at_level(logging.ERROR, "fasti"):
        answer = await client.get("/broken", headers={"x-request-id": "from-the-proxy.1"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, "from-the-proxy.1")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    assert "RuntimeError" not in answer.text
    assert any(record.getMessage() == "GET /broken failed" for record in caplog.records)


@pytest.mark.parametrize("given", ["", "a" * 129, "two words", "Ünicode", 'quo"te'])
def test_an_id_that_could_do_harm_in_a_log_is_replaced(given):
    scope = {"headers": [(b"x-request-id", given.encode("latin-1"))]}
    made = logs.request_id(scope)
    assert re.fullmatch("[0-9a-f]{16}", made)
    assert logs.request_id(scope) == made


def formatted(formatter, **fields):
    record = logging.LogRecord("fasti", logging.ERROR, "here", 1, "two\nlines of %s", ("it",), None)
    if fields:
        record.fields = fields
    token = logs.REQUEST.set({"headers": [(b"x-request-id", b"one")]})
    try:
        return formatter.format(record)
    finally:
        logs.REQUEST.reset(token)


def test_a_line_of_json_is_one_line_and_has_the_id():
    line = formatted(logs.Json(), status=503)
    assert "\n" not in line
    told = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", told.pop("time"))
    assert told == {
        "level": "error", "logger": "fasti", "message": "two\nlines of it", "request_id": "one", "status": 503,
    }  # fmt: skip


def test_a_line_for_people_has_it_too():
    assert formatted(logs.Plain(), status=503) == "ERROR: two\nlines of it [request_id=one status=503]"


def test_what_fails_again_and_again_is_told_once_a_second():
    sparing = logs.Sparing()

    def told(created, message="it failed: %s", level=logging.ERROR, of="this"):
        record = logging.LogRecord("fasti", level, "here", 1, message, (of,), None)
        record.created = created
        return formatter.format(record) if sparing.filter(record) else None

    formatter = logs.Plain()
    assert told(10) == "ERROR: it failed: this"
    assert [told(10 + n / 100, of=str(n)) for n in range(1, 50)] == [None] * 49
    assert told(10.5, "another fault: %s") == "ERROR: another fault: this"
    assert [told(10.5, "a request: %s", logging.INFO) for _ in range(3)] == ["INFO: a request: this"] * 3
    for raising in (lambda: int("x"), lambda: 1 / 0):
        # One fault is not taken for another, though they are told in the same words.
        with pytest.raises((ValueError, ZeroDivisionError)) as raised:
            raising()
        failed = (raised.type, raised.value, raised.tb)
        record = logging.LogRecord("fasti", logging.ERROR, "here", 1, "it failed: %s", ("this",), failed)
        record.created = 10.5
        assert sparing.filter(record)
        assert not sparing.filter(record)
    assert told(11.1) == "ERROR: it failed: this [left_out=49]"
    assert told(20) == "ERROR: it failed: this"


async def test_each_request_is_a_line_where_that_is_wanted(asking, settings, caplog):
    client = await asking(settings, access_log=True)
    with caplog.at_level(logging.INFO, "fasti.access"):
        client.headers["accept-encoding"] = "identity"
        answers = [await client.get("/v1/events?limit=1", headers={"x-request-id": f"n{number}"}) for number in (1, 2)]
        answers.append(await client.get("/v1/nothing", headers={"x-request-id": "n3"}))
    assert [answer.headers["x-request-id"] for answer in answers] == ["n1", "n2", "n3"]
    told = [record.fields for record in caplog.records if record.name == "fasti.access"]
    assert [(each["path"], each["query"], each["status"]) for each in told] == [
        ("/v1/events", "limit=1", 200), ("/v1/events", "limit=1", 200), ("/v1/nothing", "", 404),
    ]  # fmt: skip
    assert told[0]["bytes"] == len(answers[0].content)
    assert all(each["ms"] > 0 for each in told)


async def test_an_answer_has_no_id_where_nothing_is_logged(client):
    assert "x-request-id" not in (await client.get("/v1/events?limit=1")).headers


async def test_metrics_are_off_by_default(client):
    assert (await client.get("/metrics")).status_code == 404


async def test_metrics_count_by_route_and_status(asking, settings):
    client = await asking(settings, metrics=True)
    for path in ("/v1/events", "/v1/events", "/v1/events/mao-resignation", "/v1/events/none", "/v1/none", "/x" * 50):
        await client.get(path)
    page = await client.get("/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=")
    counts = dict(re.findall(r"^fasti_requests_total\{(.*)\} ([\d.]+)$", page.text, re.MULTILINE))
    assert counts == {
        'route="/v1/events",status="200"': "2.0",
        'route="/v1/events/{id}",status="200"': "1.0",
        'route="/v1/events/{id}",status="404"': "1.0",
        'route="other",status="404"': "2.0",
    }
    assert "\nfasti_stored_answers_total 1.0\n" in page.text
    assert "\nfasti_requests_under_way 1.0\n" in page.text
    assert re.search(r'fasti_request_seconds_bucket\{le="5.0",route="/v1/events"\} 2.0', page.text)
    stored = float(re.search(r"^fasti_stored_bytes ([\d.e+]+)$", page.text, re.MULTILINE)[1])  # type: ignore[index]
    assert stored > 1_000


def test_workers_are_counted_together(tmp_path):
    environment = {
        "FASTI_DATABASE_URL": f"sqlite:///{tmp_path}/fasti.db", "FASTI_METRICS": "true", "FASTI_ACCESS_LOG": "true",
        "FASTI_LOG": "json", "FASTI_SOURCE_DIR": "",
    }  # fmt: skip
    log = tmp_path / "log"
    command = fasti("serve", "--workers", "2", "--port", "{port}")
    with Server("fasti", command, "/health/ready", log, environment) as server:
        for _ in range(20):
            # A connection each, so that both have some of them.
            assert httpx.get(f"{server.url}/v1/people").status_code == 200
        # A worker counts an answer when it is sent, and the other may be the one that is asked.
        counted = 'fasti_requests_total{route="/v1/people",status="200"} 20.0'
        until(lambda: counted in httpx.get(f"{server.url}/metrics").text)
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines() if line.startswith("{")]
    told = [line for line in lines if line.get("path") == "/v1/people"]
    assert len(told) == 20
    assert {line["logger"] for line in told} == {"fasti.access"}
    assert len({line["request_id"] for line in told}) == 20


@pytest.mark.parametrize("host", ["a b", "a/b", "<script>", "a@b", "a:b", "a:123456", "[::1", "a,b"])
async def test_a_host_that_is_none_is_refused(client, host):
    answer = await client.get("/v1/events", headers={"host": host})
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-request")


@pytest.mark.parametrize("host", ["fasti.test", "127.0.0.1:8000", "[::1]:8000", "my_host.internal"])
async def test_a_host_is_what_the_urls_of_an_answer_begin_with(client, host):
    answer = await client.get("/v1/events?limit=1", headers={"host": host})
    assert answer.json()["next"].startswith(f"http://{host}/v1/events?")


async def test_only_its_own_names_are_answered_to(asking, settings):
    client = await asking(settings, hosts="fasti.example, Other.example")
    for host, status in (("fasti.example", 200), ("other.example:8000", 200), ("evil.example", 421)):
        assert (await client.get("/v1/events", headers={"host": host})).status_code == status
    assert (await client.get("/health/live", headers={"host": "10.0.0.1"})).status_code == 200


@pytest.mark.parametrize("path", ["/", "/docs", "/redoc", "/explorer/main.js", "/static/swagger-ui.css"])
async def test_pages_run_nothing_but_what_is_here(client, path):
    headers = (await client.get(path)).headers
    policy = dict(each.strip().partition(" ")[::2] for each in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in policy["script-src"]
    assert "http" not in headers["content-security-policy"]
    # ReDoc writes its styles as it runs.
    assert ("'unsafe-inline'" in policy["style-src"]) == (path == "/redoc")


async def test_every_answer_is_what_it_says_it_is_and_says_nothing_of_the_server(client):
    for path in ("/v1/events", "/v1/none", "/v1/events?format=csv", "/openapi.json", "/docs", "/", "/health/live"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert "server" not in headers
        assert "x-powered-by" not in headers


async def test_a_password_is_told_to_nobody(asking, caplog):
    url = "postgresql://fasti:hunter2@127.0.0.1:1/none"
    client = await asking(Settings(database_url=url, refresh_seconds=0, query_seconds=1))
    answer = await client.get("/v1/events")
    assert answer.status_code == 503
    assert "hunter2" not in answer.text + caplog.text + str(list(answer.headers.items()))
