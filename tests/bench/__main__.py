"""`make bench`: how fast Fasti is beside others, and how it takes growth. Figures go into the README's table."""

import argparse
import platform
import sys
from importlib.metadata import version

from app.settings import ROOT
from tests.bench import table, wrk
from tests.bench.compare import compare
from tests.bench.data import Data
from tests.bench.mix import QUERIES, Query
from tests.bench.process import CORES
from tests.bench.scale import scale, start
from tests.bench.smoke import smoke

SMALL, SIZE, LARGE = 30, 10_000, 1_000_000
PACKAGES = ("fastapi", "uvicorn", "pydantic", "SQLAlchemy", "sqlmodel")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("make bench", description=__doc__)
    parser.add_argument("--datasette", action="store_true", help="compare with Datasette too")
    parser.add_argument("--scale", action="store_true", help="compare a million events with ten thousand")
    parser.add_argument("--smoke", action="store_true", help="only see whether all answer every question rightly")
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


def prepared(size: int, *, rebuild: bool) -> Data:
    data = Data(size)
    data.make(rebuild=rebuild)
    data.load()
    return data


def main() -> None:
    given = arguments()
    queries, peers = chosen(given.only), ("tutorial", *["datasette"] * given.datasette)
    say = sys.stdout.write
    say(f"{machine()}\nmake bench ARGS={' '.join(sys.argv[1:])!r}\n")
    data = prepared(SMALL if given.smoke else given.size, rebuild=given.rebuild or given.smoke)
    if not given.scale:
        data.make_peers()
    if given.smoke:
        smoke(data, queries, peers)
        return
    if wrk.find() is None:
        raise SystemExit("The load generator wrk is needed: install it, or the means to fetch it (apt-get, dpkg-deb).")
    if given.scale:
        large = prepared(LARGE, rebuild=given.rebuild)
        cells = scale(data, large, queries)
        for each in (prepared(SMALL, rebuild=False), large):
            say(start(each, queries) + "\n")
    else:
        cells = compare(data, queries, peers)
    titles = [query.title for query in QUERIES]
    say(table.shown(cells, titles))
    if given.size == SIZE:
        table.update(ROOT / "README.md", cells, titles)


if __name__ == "__main__":
    main()
