"""Fasti beside a bare server, the tutorial's way and Datasette: requests per second of the server's CPU."""

from contextlib import ExitStack
from math import inf
from statistics import median

from tests.bench import servers
from tests.bench.data import Data
from tests.bench.measure import rates, ratio
from tests.bench.mix import Query, ask, drawn_from, paths
from tests.bench.process import Server, say
from tests.bench.table import Cells

RATE = "a CPU-second"
COLUMNS = {"raw": "× raw", "tutorial": "× tutorial", "datasette": "× Datasette"}
Lists = dict[str, tuple[Server, list[str]]]


class Compared:
    """All the servers over the data of one size. Fasti is there twice: keeping no answers, and as it is by default."""

    def __init__(self, stack: ExitStack, data: Data, queries: list[Query], peers: tuple[str, ...]) -> None:
        drawn = drawn_from(data.pack, data.size)
        self.asked = {query.key: ask(query, drawn) for query in queries}
        self.bare = stack.enter_context(servers.ours(data, {"FASTI_CACHE_BYTES": "0"}))
        self.keeping = stack.enter_context(servers.ours(data, {}))
        self.shown = {q.key: servers.looked_at(q, self.asked[q.key], self.fasti(q)) for q in queries}
        answers = [each for shown in self.shown.values() for each in shown]
        self.others = {"raw": stack.enter_context(servers.raw(data, answers))}
        for name in peers:
            self.others[name] = stack.enter_context(servers.PEERS[name](data))

    def fasti(self, query: Query) -> Server:
        return self.keeping if query.repeated else self.bare

    def lists(self, query: Query) -> Lists:
        """Who is asked what. The raw app gives the answers that were seen; its cost does not depend on which."""
        asked, shown = self.asked[query.key], self.shown[query.key]
        found = {name: (server, paths(asked, name)) for name, server in self.others.items() if name != "raw"}
        found |= {
            "fasti": (self.fasti(query), paths(asked, "fasti")),
            "raw": (self.others["raw"], [p for p, _ in shown]),
        }
        if query.conditional:
            tagged = [f"{path} {answer.tag}" for path, answer in shown]
            found = {"fasti": (self.fasti(query), tagged), "raw": found["raw"]}
        return {name: (server, requests) for name, (server, requests) in found.items() if requests}


def compare(data: Data, queries: list[Query], peers: tuple[str, ...]) -> Cells:
    """A row a question; every server is driven in every round."""
    cells: Cells = {}
    with ExitStack() as stack:
        compared = Compared(stack, data, queries, peers)
        for query in queries:
            found = rates(compared.lists(query))
            cells[query.title] = row(found)
            say(f"{query.title:28}" + "".join(f"{name} {median(each):10,.0f}   " for name, each in found.items()))
    return cells


def row(found: dict[str, list[float]]) -> dict[str, str]:
    cells = {RATE: f"{median(found['fasti']):,.0f}"}
    return cells | {COLUMNS[n]: rounded(ratio(found["fasti"], theirs)) for n, theirs in found.items() if n in COLUMNS}


def rounded(value: float) -> str:
    if value == inf:
        return "∞"
    return f"{value:.2f}" if value < 2 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"
