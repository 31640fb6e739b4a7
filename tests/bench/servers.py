"""Fasti and what it is compared with, each started over the data of one size."""

import json
from collections.abc import Iterable
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.bench import datasette
from tests.bench.data import Data
from tests.bench.mix import Asked, Query, paths
from tests.bench.process import Server, fasti, uvicorn

SHOWN = 20
"""How many answers to a sort of question are looked at, and are what the raw app gives."""

OF_THE_CONNECTION = ("date", "connection")


class Answer(NamedTuple):
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def tag(self) -> str:
        return dict(self.headers)["etag"]


def fetch(server: Server, path: str, headers: dict[str, str] | None = None) -> Answer:
    """One answer, which has to be a good one: found, or not modified (without a body) where that was the condition."""
    try:
        with urlopen(Request(server.url + path, headers=headers or {}), timeout=60) as response:
            found = [each for each in response.getheaders() if each[0] not in OF_THE_CONNECTION]
            return Answer(found, response.read())
    except HTTPError as error:
        if error.code == 304 and headers:
            return Answer([], b"")
        said = error.read().decode("utf-8", "replace")
        raise SystemExit(f"{server.name} answers {path} with {error.code}: {said[:500]}") from None


def looked_at(query: Query, asked: list[Asked], server: Server) -> list[tuple[str, Answer]]:
    """Fasti's answers to the first questions, which must have what is asked for, and not be empty all of them."""
    found = [(path, fetch(server, path)) for path in paths(asked[:SHOWN], "fasti")]
    held = [json.loads(answer.body)[query.holds] for _, answer in found]
    if not any(held):
        raise SystemExit(f"{query.title}: no answer has any {query.holds}.")
    return found


def ours(data: Data, environment: dict[str, str]) -> Server:
    command = fasti("serve", "--no-load", "--port", "{port}")
    server = Server("Fasti", command, "/v1", data.folder / "fasti.log", data.environment | environment)
    server.helpers = data.helpers
    return server


def raw(data: Data, answers: Iterable[tuple[str, Answer]]) -> Server:
    """The raw app, which gives these answers at these paths."""
    kept = data.folder / "answers.json"
    listed = [(path if "?" in path else path + "?", headers, body.decode("latin-1"))
              for path, (headers, body) in answers]  # fmt: skip
    kept.write_text(json.dumps(listed), "utf-8")
    log, environment = data.folder / "raw.log", {"BENCH_ANSWERS": str(kept)}
    return Server("The raw app", uvicorn("tests.bench.raw:app"), listed[0][0], log, environment)


def tutorial(data: Data) -> Server:
    log, environment = data.folder / "tutorial.log", {"BENCH_PEERS": str(data.peers)}
    return Server("The tutorial's API", uvicorn("tests.bench.tutorial:app"), "/events?limit=1", log, environment)


PEERS = {"tutorial": tutorial, "datasette": lambda data: datasette.serve(data.peers)}
