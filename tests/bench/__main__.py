"""`make bench`: how fast Fasti is beside others, and how it takes growth. Figures go into the README's table."""

import argparse
import platform
import sys
from contextlib import ExitStack
from importlib.metadata import version

from app.settings import ROOT
from tests.bench import table, wrk
from tests.bench.compare import compare
from tests.bench.data import HOME, Data
from tests.bench.loading import loading
from tests.bench.mix import QUERIES, Query
from tests.bench.postgresql import cluster
from tests.bench.process import CORES
from tests.bench.scale import scale, start
from tests.bench.smoke import smoke
from tests.bench.table import Cells

SMALL, SIZE, LARGE = 30, 10_000, 1_000_000
PACKAGES = ("fastapi", "uvicorn", "pydantic", "SQLAlchemy", "sqlmodel")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("make bench", description=__doc__)
    parser.add_argument("--datasette", action="store_true", help="compare with Datasette too")
    parser.add_argument("--scale", action="store_true", help="compare a million events with ten thousand")
    parser.add_argument("--smoke", action="store_true", help="only see whether all answer every question rightly")
    parser.add_argument("--load", action="store_true", help="only measure how fast a pack is loaded")
    parser.add_argument("--postgresql", action="store_true", help="Fasti on PostgreSQL, beside the raw app only")
    parser.add_argument("--only", default="", help="these questions only, by their keys, between commas")
    parser.add_argument("--rebuild", action="store_true", help="make the data anew")
    parser.add_argument("--size", type=int, default=SIZE, help="how many events (10000)")
    return parser.parse_args()


def machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    cores = "server and load on a core each" if len(CORES) > 1 else "ONE CORE for both the server and the load"
    return f"{platform.machine()}, {len(CORES)} cores ({cores}), Python {platform.python_version()}, {packages}"


def chosen(only: str) -> list[Query]:
    wanted = set(filter(None, only.split(",")))
    if unknown := wanted - {query.key for query in QUERIES}:
        raise SystemExit(f"There is no {', '.join(unknown)}; there are {', '.join(q.key for q in QUERIES)}.")
    return [query for query in QUERIES if not wanted or query.key in wanted]


def main() -> None:
    given = arguments()
    if not (given.smoke or given.load) and wrk.find() is None:
        raise SystemExit("The load generator wrk is needed: install it, or the means to fetch it (apt-get, dpkg-deb).")
    sys.stdout.write(f"{machine()}\nmake bench ARGS={' '.join(sys.argv[1:])!r}\n")
    with ExitStack() as stack:
        cells = measured(given, stack)
    titles = [query.title for query in QUERIES]
    sys.stdout.write(table.shown(cells, titles) if cells else "")
    if given.size == SIZE and not given.postgresql:
        table.update(ROOT / "README.md", cells, titles)


def measured(given: argparse.Namespace, stack: ExitStack) -> Cells:
    """What was asked for; the figures that have no place in the table are written at once."""
    queries, peers = chosen(given.only), ("tutorial", *["datasette"] * given.datasette)
    if given.postgresql:
        peers = ()

    def prepared(size: int, *, rebuild: bool = given.rebuild) -> Data:
        data = Data(size, stack.enter_context(cluster(HOME / f"postgresql-{size}")) if given.postgresql else None)
        data.make(rebuild=rebuild)
        if not given.load:
            data.load()
        if peers and not given.scale and not given.load:
            data.make_peers()
        return data

    if given.smoke:
        smoke(prepared(SMALL, rebuild=True), queries, peers)
        return {}
    if given.load:
        sys.stdout.write(loading(prepared(given.size)) + "\n")
        return {}
    data = prepared(given.size)
    if not given.scale:
        return compare(data, queries, peers)
    large = prepared(LARGE)
    cells = scale(data, large, queries)
    for each in (prepared(SMALL), large):
        sys.stdout.write(start(each, queries) + "\n")
    return cells


if __name__ == "__main__":
    main()
