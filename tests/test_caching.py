"""A stored answer is given again only to whom it belongs, never of an older revision, and within the limit."""

import httpx
import pytest

from app.caching import Caching, Seen, Store, Stored

pytestmark = pytest.mark.anyio
URL = "http://one.test/v1/a?x=1"
HEADERS = {"accept": "*/*", "accept-encoding": "gzip"}
# Each answer of 1,000 bytes weighs 2,000, its key and its headers, so eight of them fit.
LIMIT = 8 * 2_400


class Origin:
    """An application of one revision that notes what it is asked."""

    def __init__(self):
        self.revision, self.status, self.size, self.asked, self.meanwhile = "first", 200, 1_000, [], None

    async def __call__(self, scope, _, send):
        self.asked.append(scope["path"].removeprefix("/v1/"))
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            await meanwhile()
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * self.size})

    async def named(self):
        return self.revision


@pytest.fixture
def origin():
    return Origin()


@pytest.fixture
async def client(origin):
    transport = httpx.ASGITransport(Caching(origin, Store(LIMIT, lambda: None), origin.named))
    async with httpx.AsyncClient(transport=transport, base_url="http://one.test/v1/") as client:
        yield client


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("http://one.test/v1/b?x=1", {}),
        ("http://one.test/v1/a?x=2", {}),
        ("http://two.test/v1/a?x=1", {}),
        ("https://one.test/v1/a?x=1", {}),
        (URL, {"accept": "application/json"}),
        (URL, {"accept-encoding": "br"}),
    ],
)
async def test_what_decides_an_answer_keeps_it_apart(client, origin, url, headers):
    first = await client.get(URL, headers=HEADERS)
    assert (await client.get(URL, headers=HEADERS)).headers == first.headers
    assert len(origin.asked) == 1
    assert (await client.get(url, headers=HEADERS | headers)).headers["etag"] != first.headers["etag"]
    assert len(origin.asked) == 2


async def test_a_new_revision_is_asked_for_anew(client, origin):
    tag = (await client.get("a")).headers["etag"]
    origin.revision = "second"
    again = await client.get("a", headers={"if-none-match": tag})
    assert (again.status_code, again.headers["etag"] == tag, origin.asked) == (200, False, ["a", "a"])


async def test_an_answer_that_a_new_revision_overtook_is_not_kept(client, origin):
    async def overtake():
        origin.revision = "second"
        await client.get("b")

    origin.meanwhile = overtake
    for _ in range(3):
        await client.get("a")
    assert origin.asked == ["a", "b", "a"]


async def test_what_was_used_longest_ago_makes_room(client, origin):
    async def ask(names):
        origin.asked.clear()
        for name in names:
            await client.get(name)
        return "".join(origin.asked)

    assert await ask("abcdefgh") == "abcdefgh"
    assert await ask("ai") == "i"
    assert await ask("acdefghi") == ""
    assert await ask("b") == "b"
    origin.revision = "second"
    assert await ask("abcdefgh") == "abcdefgh"
    assert await ask("abcdefgh") == ""


@pytest.mark.parametrize(("status", "size"), [(200, 1_200), (404, 10), (503, 10)])
async def test_what_is_too_large_or_no_success_is_not_kept(client, origin, status, size):
    origin.status, origin.size = status, size
    for _ in range(2):
        answer = await client.get("a")
        assert (answer.status_code, "etag" in answer.headers) == (status, status == 200)
    assert origin.asked == ["a", "a"]


@pytest.mark.parametrize(("status", "answered"), [(200, 304), (404, 404)])
async def test_a_star_is_met_by_what_is_there(client, origin, status, answered):
    origin.status = status
    for _ in range(2):
        assert (await client.get("a", headers={"if-none-match": "*"})).status_code == answered


async def test_head_is_answered_from_a_stored_get_and_stores_one(client, origin):
    head = await client.head("a")
    got = await client.get("a")
    assert (head.content, got.content, origin.asked) == (b"", b"x" * 1_000, ["a"])
    assert (await client.head("a")).headers == head.headers == got.headers
    # The client would itself drop the body of an answer to HEAD.
    sent = []

    async def note(message):
        sent.append(message.get("body"))

    raw = httpx.Request("HEAD", "http://one.test/v1/a", headers=client.headers)
    scope = {
        "type": "http",
        "method": "HEAD",
        "path": "/v1/a",
        "raw_path": b"/v1/a",
        "query_string": b"",
        "scheme": "http",
    }
    lines = [(name.lower(), value) for name, value in raw.headers.raw]
    await client._transport.app({**scope, "headers": lines}, None, note)
    assert (sent, origin.asked) == ([None, b""], ["a"])


async def test_a_header_in_two_lines_is_not_taken_for_one(client, origin):
    for lines in (["a/b", "c/d"], ["a/b, c/d"], ["c/d", "a/b"], ["a/b", "c/d"]):
        await client.get("a", headers=[("accept", line) for line in lines])
    assert origin.asked == ["a", "a", "a"]


async def test_a_condition_needs_nothing_stored(client, origin):
    tag = (await client.get("a")).headers["etag"]
    client._transport.app.store.turn("another")
    again = await client.get("a", headers={"if-none-match": tag.removeprefix("W/")})
    assert (again.status_code, again.headers["etag"], origin.asked) == (304, tag, ["a"])


async def test_what_is_remembered_shares_the_limit():
    store = Store(100_000, lambda: "first")
    store.turn("first")
    for n in range(20):
        store.keep(Stored((n,), b"", [], b"", [], 4_000), "first")
        for m in range(30):
            request = b"%d %d" % (n, m)
            store.remember(request, Seen((n,), 200, b"", False, 1_000))
            assert store.size <= 100_000
            assert store.recall(request)
    # A quarter is left to requests, and of these the one that was used stays.
    oldest = next(iter(store.requests))
    assert store.recall(oldest)
    store.remember(b"one more", Seen((19,), 200, b"", False, 1_000))
    assert oldest in store.requests
    assert (len(store.responses), len(store.requests), store.size) == (18, 28, 100_000)
    store.turn("second")
    assert (store.size, store.recall(request), store.requests) == (0, None, {})
