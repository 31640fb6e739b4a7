"""`python -m tests.fronts` prints the figures of docs/scale.md: requests per CPU-second of each program on the way.

It starts a primary, two replicas, API processes, Varnish and nginx, and drives each with wrk.
"""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import psutil

from app.load import load
from app.settings import ROOT, Settings
from tests.bench.process import free_port
from tests.cluster import cluster, until
from tests.test_caches import nginx, varnish

RECORD, LIST, SEARCH = "events/great-leap-forward-campaign", "events?from=1958&to=1960", "search?q=furnace"
SECONDS = 3
ROUNDS = 3


@contextlib.contextmanager
def running(command, port, variables=None):
    """The process of a command, once it answers at the port."""
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | (variables or {}), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def answers():
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{port}/v1").status_code == 200

    try:
        until(answers)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait()


def api(settings, port, **more):
    variables = {f"FASTI_{name.upper()}": str(value) for name, value in settings.items()} | {"PORT": str(port)}
    return running([sys.executable, "-m", "app.cli", "serve", "--no-load"], port, variables | more)


def cpu(processes):
    """The CPU-seconds that processes and all of their children have used."""
    total = 0.0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            own = process.cpu_times()
            total += own.user + own.system + own.children_user + own.children_system + cpu(process.children())
    return total


def driven(port, path, *groups, headers=()):
    """Requests per CPU-second of each group of processes, the median of a few runs."""
    runs = []
    for _ in range(ROUNDS):
        before = [cpu(group) for group in groups]
        url = f"http://127.0.0.1:{port}/v1/{path}"
        said = subprocess.run(
            ["wrk", "-t1", "-c16", f"-d{SECONDS}", *(part for each in headers for part in ("-H", each)), url],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        assert "Non-2xx" not in said or headers, said
        count = int(re.findall(r"(\d+) requests in", said)[0])
        runs.append([count / max(cpu(group) - was, 0.01) for group, was in zip(groups, before, strict=True)])
    return [sorted(each)[ROUNDS // 2] for each in zip(*runs, strict=True)]


def say(what, *found):
    print(f"{what:44}", *(f"{each:9,.0f}" for each in found), flush=True)  # noqa: T201


def main():
    with cluster() as nodes, contextlib.ExitStack() as stack:
        replicas = ",".join(node.url for node in nodes[1:])
        load(Settings(database_url=nodes[0].url))
        settings = {"database_url": nodes[0].url, "replica_urls": replicas}
        servers = [node.process() for node in nodes]
        ports = [free_port() for _ in range(5)]
        first, stored, _ = (
            stack.enter_context(api(settings, port, FASTI_CACHE_BYTES=size))
            for port, size in zip(ports, ("0", "32000000", "32000000"), strict=False)
        )
        say("requests per CPU-second of … (PostgreSQL's)")
        for path in (RECORD, LIST, SEARCH):
            say(f"API, nothing stored: {path}", *driven(ports[0], path, [first], servers))
        say("API, stored", *driven(ports[1], LIST, [stored]))
        tag = httpx.get(f"http://127.0.0.1:{ports[1]}/v1/{LIST}", headers={"accept-encoding": ""}).headers["etag"]
        say("API, 304", *driven(ports[1], LIST, [stored], headers=[f"If-None-Match: {tag}"]))
        for program, port in ((varnish, ports[3]), (nginx, ports[4])):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            process = stack.enter_context(running(program(folder, ports[1], ports[2], port), port))
            say(f"{program.__name__}, hit", *driven(port, LIST, [process]))


if __name__ == "__main__":
    main()
