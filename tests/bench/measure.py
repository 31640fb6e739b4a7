"""Drive servers in turn, and make figures of what the load generator and the kernel saw."""

from collections.abc import Sequence
from math import inf
from statistics import median
from typing import NamedTuple

from tests.bench import wrk
from tests.bench.process import TICK, Server, say

ROUNDS, SECONDS, ENOUGH = 3, 1, 6
DRIVES = ((16, 1), (1, 2), (1, 10))
"""Connections and seconds: the next ones where too few requests were done."""


class Latency(NamedTuple):
    """Milliseconds, one request at a time."""

    p50: float
    p99: float


def rates(lists: dict[str, tuple[Server, list[str]]]) -> dict[str, list[float]]:
    """Requests per CPU-second of each server with its list, round by round, all of them in every round."""
    found: dict[str, list[float]] = {name: [] for name in lists}
    for number in range(ROUNDS):
        for name, (server, requests) in lists.items():
            found[name].append(_rate(server, requests, number))
    return found


def _rate(server: Server, requests: list[str], number: int) -> float:
    """Requests per CPU-second; where they take so long that those under way would count, one after the other."""
    for connections, seconds in DRIVES:
        before = server.settled()
        run = _driven(server, requests, number, connections, seconds)
        used = server.cpu() - before
        if run.requests - run.failed >= ENOUGH * connections:
            break
    return (run.requests - run.failed) / max(used, 1 / TICK)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """How many times theirs ours is, by the median round."""
    return median(mine / other if other else inf for mine, other in zip(ours, theirs, strict=True))


def latencies(lists: Sequence[tuple[Server, list[str]]]) -> list[Latency]:
    """Of each server with its list: one connection, so that no request waits for another. A first round warms up."""
    runs = [[_driven(server, requests, number, 1, SECONDS) for server, requests in lists]
            for number in range(ROUNDS + 1)][1:]  # fmt: skip
    return [Latency(median(r.p50 for r in each), median(r.p99 for r in each)) for each in zip(*runs, strict=True)]


def _driven(server: Server, requests: list[str], number: int, connections: int, seconds: int) -> wrk.Drive:
    start = number * len(requests) // (ROUNDS + 1)
    run = wrk.drive(server.url, requests, start=start, seconds=seconds, connections=connections)
    if run.failed:
        say(f"{server.name}: {run.failed} of {run.requests} requests failed, such as {requests[start]}")
    return run
