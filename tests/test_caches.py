"""Shared caches in front of the API, real ones with the configurations of docs/scale.md: what they may do is right."""

import os
import re
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

import httpx
import pytest
import uvicorn

from app.load import load
from app.main import create_app
from app.settings import ROOT, Settings
from tests.bench.process import free_port
from tests.cluster import until

LIST = "/v1/people"


class Origin:
    """The application, what it was asked and answered, and for how many seconds an answer is fresh."""

    def __init__(self, app):
        self.app, self.asked, self.seconds, self.port = app, [], 60, free_port()

    async def __call__(self, scope, receive, send):
        async def shorten(message):
            if message["type"] == "http.response.start":
                self.asked.append((scope["method"], scope["path"], message["status"]))
                message = {**message, "headers": [(name, re.sub(rb"max-age=60\b", b"max-age=%d" % self.seconds, value))
                                                  for name, value in message["headers"]]}  # fmt: skip
            await send(message)

        await self.app(scope, receive, shorten if scope["type"] == "http" else send)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("caches")
    seed = shutil.copytree(ROOT / "tests" / "packs", folder / "seed")
    settings = Settings(
        database_url=f"sqlite:///{folder / 'fasti.db'}", seed_dir=seed, source_dir=None, refresh_seconds=0
    )
    load(settings)
    return settings


@pytest.fixture(scope="module")
def origin(settings):
    origin = Origin(create_app(settings))
    server = uvicorn.Server(uvicorn.Config(origin, port=origin.port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield origin
    server.should_exit = True
    thread.join()


def documented(language):
    """The configuration that docs/scale.md shows."""
    [found] = re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / "scale.md").read_text("utf-8"), re.DOTALL)
    return found


def found(program):
    """Where a server is installed, which is no place that every user's path leads to."""
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")


def varnish(folder, first, _, port):
    (folder / "fasti.vcl").write_text(documented("vcl").replace("8000", str(first)))
    return [found("varnishd"), "-F", "-j", "none", "-n", folder / "work", "-f", folder / "fasti.vcl",
            "-a", f"127.0.0.1:{port}", "-s", "malloc,16m"]  # fmt: skip


def nginx(folder, first, second, port):
    text = documented("nginx").replace("8000", str(first)).replace("8001", str(second))
    text = text.replace("listen 80;", f"listen 127.0.0.1:{port};").replace("http {", "http {\n access_log off;")
    (folder / "nginx.conf").write_text(f"daemon off; master_process off; pid nginx.pid; error_log error.log;\n{text}")
    return [found("nginx"), "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"]


@pytest.fixture(scope="module", params=[varnish, nginx], ids=lambda each: each.__name__)
def cache(request, origin):
    """A client of the cache, which asks for nothing that a test does not ask for."""
    program = {"varnish": "varnishd"}.get(request.param.__name__, request.param.__name__)
    if found(program) is None:
        pytest.skip(f"{program} is not installed here, so that its cache is NOT tested: apt-get install varnish nginx")
    with tempfile.TemporaryDirectory(prefix="fasti-") as name:
        port = free_port()
        command = request.param(Path(name), origin.port, origin.port, port)
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"accept-encoding": "identity"}) as client:
                until(lambda: listens(client))
                yield client
        finally:
            running.terminate()
            running.wait()


def listens(client):
    try:
        return client.get("/v1").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def asked(origin):
    """What the origin is asked during the test. Each test has URLs of its own."""
    origin.asked.clear()
    return origin.asked


@pytest.fixture
def brief(origin):
    """Answers that are old after a second, and not after the minute that they are otherwise good for."""
    origin.seconds = 1
    yield
    origin.seconds = 60


def test_an_answer_is_asked_for_once(cache, asked):
    first, *others = [cache.get(f"{LIST}?limit=2") for _ in range(5)]
    assert {(each.status_code, each.content, each.headers["etag"]) for each in others} == {
        (200, first.content, first.headers["etag"])
    }
    assert asked == [("GET", LIST, 200)]


def test_each_form_and_coding_is_kept_apart(cache):
    forms = [
        {"accept": accept, "accept-encoding": coding}
        for accept in ("application/json", "text/csv", "application/x-ndjson")
        for coding in ("identity", "gzip")
    ]
    begins = {"application/json": '{"items":[{', "text/csv": "id,", "application/x-ndjson": '{"id":'}
    for _ in range(3):
        for headers in forms:
            answer = cache.get(LIST, headers=headers)
            assert answer.headers["content-type"].startswith(headers["accept"])
            assert answer.headers.get("content-encoding", "identity") == headers["accept-encoding"]
            assert answer.text.startswith(begins[headers["accept"]])


def test_the_cache_itself_says_that_nothing_changed(cache, asked):
    tag = cache.get(f"{LIST}?limit=3").headers["etag"]
    answer = cache.get(f"{LIST}?limit=3", headers={"if-none-match": tag})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert asked == [("GET", LIST, 200)]


@pytest.mark.usefixtures("brief")
def test_an_old_answer_is_made_fresh_by_a_304(cache, asked):
    first = cache.get(f"{LIST}?limit=4")

    def made_fresh():
        again = cache.get(f"{LIST}?limit=4")
        assert (again.status_code, again.content) == (200, first.content)
        return len(asked) > 1

    until(made_fresh)
    assert asked == [("GET", LIST, 200), ("GET", LIST, 304)]


@pytest.mark.usefixtures("brief")
def test_a_new_revision_comes_when_the_old_answer_is_old(cache, asked, settings):
    before = cache.get(f"{LIST}?limit=5").json()["revision"]
    with (settings.seed_dir / "ides" / "pack.yaml").open("a") as file:
        file.write("# a remark\n")
    newest = load(settings).revision
    seen = [before]

    def is_new():
        seen.append(cache.get(f"{LIST}?limit=5").json()["revision"])
        return seen[-1] == newest

    until(is_new)
    assert set(seen) == {before, newest}
    assert asked == [("GET", LIST, 200)] * 2


@pytest.mark.parametrize("first", [{}, {"origin": "https://a.example"}], ids=["plain", "cross-origin"])
def test_what_was_stored_for_one_origin_is_good_for_all(cache, first):
    url = f"{LIST}?limit={6 + bool(first)}"
    cache.get(url, headers=first)
    for origin in ("https://a.example", "https://b.example"):
        answer = cache.get(url, headers={"origin": origin})
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "ETag" in answer.headers["access-control-expose-headers"]


def test_a_head_has_the_headers_of_a_get_and_spoils_nothing(cache):
    head = cache.head(f"{LIST}?limit=8")
    found = cache.get(f"{LIST}?limit=8")
    assert (head.status_code, head.content) == (200, b"")
    assert found.json()["items"]
    for name in ("etag", "content-type", "cache-control", "vary"):
        assert head.headers[name] == found.headers[name]


@pytest.mark.parametrize(("path", "status"), [("/v1/people/none", 404), ("/v1/people?none=1", 422), ("/none", 404)])
def test_an_error_is_not_stored(cache, asked, path, status):
    for _ in range(2):
        answer = cache.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert [each[2] for each in asked] == [status] * 2
