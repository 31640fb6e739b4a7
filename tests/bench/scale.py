"""The same questions of ten thousand and of a million events, one after the other; how it starts, and its memory."""

from contextlib import ExitStack

from tests.bench import servers
from tests.bench.compare import rounded
from tests.bench.data import Data
from tests.bench.measure import latencies
from tests.bench.mix import Query, ask, drawn_from, paths
from tests.bench.process import Server, say
from tests.bench.table import Cells

MANY = 50
SMALL, LARGE, TAIL = "p50 at 10⁴", "p50 at 10⁶", "p99 ÷ p50"
NOTHING_KEPT = {"FASTI_CACHE_BYTES": "0"}


def scale(small: Data, large: Data, queries: list[Query]) -> Cells:
    """A row a question: the median time at both sizes, and how much longer the slowest hundredth takes at the large."""
    cells: Cells = {}
    with ExitStack() as stack:
        served = [(stack.enter_context(servers.ours(data, NOTHING_KEPT)), drawn_from(data.pack, data.size))
                  for data in (small, large)]  # fmt: skip
        for query in (each for each in queries if not each.repeated):
            lists = []
            for server, drawn in served:
                asked = ask(query, drawn)
                servers.looked_at(query, asked, server)
                lists.append((server, paths(asked, "fasti")))
            less, more = latencies(lists)
            times = f"{more.p50:.2f} ms ({rounded(more.p50 / less.p50)} ×)"
            cells[query.title] = {SMALL: f"{less.p50:.2f} ms", LARGE: times, TAIL: rounded(more.p99 / more.p50)}
            say(f"{query.title:28}{cells[query.title]}")
    return cells


def start(data: Data, queries: list[Query]) -> str:
    """How long the first answer takes, and the memory at the start and after every question of the mix."""
    with servers.ours(data, {}) as server:
        begun = f"{data.size:,} events: first answer after {server.seconds:.2f} s, {_memory(server)} at the start"
        drawn = drawn_from(data.pack, data.size)
        for query in queries:
            for path in paths(ask(query, drawn), "fasti")[:MANY]:
                servers.fetch(server, path)
        return f"{begun}, {_memory(server)} after {len(queries)} sorts of question"


def _memory(server: Server) -> str:
    found = {name.upper(): f"{size / 1e6:.0f} MB" for name, size in server.memory().items()}
    return ", ".join(f"{name} {size}" for name, size in found.items())
