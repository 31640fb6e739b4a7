"""Whether every question is answered, and answered rightly, by every server; no figure is made of it."""

import json
from contextlib import ExitStack
from typing import Any

from tests.bench import wrk
from tests.bench.compare import Compared
from tests.bench.data import Data
from tests.bench.mix import Query
from tests.bench.process import say
from tests.bench.servers import Answer, fetch


def smoke(data: Data, queries: list[Query], peers: tuple[str, ...]) -> None:
    """Ends with a message where an answer is not what it should be."""
    with ExitStack() as stack:
        compared = Compared(stack, data, queries, peers)
        for query in queries:
            _answered(compared, query)
            say(f"{query.title:28}answered")
        _driven(compared, queries[0])


def _answered(compared: Compared, query: Query) -> None:
    shown = compared.shown[query.key]
    if query.conditional:
        again = [fetch(compared.keeping, path, {"If-None-Match": answer.tag}) for path, answer in shown]
        if any(answer.body for answer in again):
            raise SystemExit(f"{query.title}: an answer that was not modified is sent again.")
    for name, (server, requests) in compared.lists(query).items():
        if name in ("fasti", "raw") and query.conditional:
            continue
        found = [fetch(server, path) for path in requests[: len(shown)]]
        if name in ("fasti", "raw") and [each.body for each in found] != [answer.body for _, answer in shown]:
            raise SystemExit(f"{query.title}: {server.name} gives another answer.")
        if not any(map(_rows, found)):
            raise SystemExit(f"{query.title}: {server.name} finds nothing.")
        if query.alike and [_ids(each) for each in found] != [_ids(answer) for _, answer in shown]:
            raise SystemExit(f"{query.title}: {server.name} finds other records.")


def _rows(answer: Answer) -> Any:
    content = json.loads(answer.body)
    return content.get("items", content.get("rows", content)) if isinstance(content, dict) else content


def _ids(answer: Answer) -> list[str]:
    return [each["id"] for each in _rows(answer)]


def _driven(compared: Compared, query: Query) -> None:
    """Whether the load generator works, where it is to be had."""
    if wrk.find() is None:
        say("There is no wrk and no way to fetch it: the questions were asked one by one, and nothing was driven.")
        return
    server, requests = compared.lists(query)["fasti"]
    run = wrk.drive(server.url, requests, start=0, seconds=1, connections=2)
    if run.failed or not run.requests:
        raise SystemExit(f"wrk had {run.requests} answers, and {run.failed} failures.")
    say(f"wrk had {run.requests} answers in a second")
