"""Servers as processes: started on a core of their own, asked for their CPU time and their memory, stopped."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import SystemRandom
from urllib.error import URLError
from urllib.request import urlopen

from app.settings import ROOT

TICK = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]
PATIENCE = 120.0


class Server:
    """A server that answers at `url`; what it says goes to a log. `seconds` is how long its first answer took."""

    def __init__(self, name: str, command: list[str], probe: str, log: Path, env: dict[str, str] | None = None) -> None:
        self.name, self.port = name, free_port()
        self.url, self.helpers = f"http://127.0.0.1:{self.port}", list[int]()
        begun = time.monotonic()
        with log.open("ab") as said:
            self.process = subprocess.Popen(
                [part.replace("{port}", str(self.port)) for part in command],
                cwd=ROOT, env={**os.environ, **(env or {})}, stdout=said, stderr=said,
                preexec_fn=lambda: os.sched_setaffinity(0, {SERVER_CORE}),
            )  # fmt: skip
        self._wait(probe, log)
        self.seconds = time.monotonic() - begun

    def _wait(self, probe: str, log: Path) -> None:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self.process.poll() is None:
            try:
                with urlopen(self.url + probe, timeout=PATIENCE):
                    return
            except URLError:
                time.sleep(0.005)
        self.stop()
        raise SystemExit(f"{self.name} does not answer; its log is {log}.")

    def cpu(self) -> float:
        """Seconds of CPU that it has used so far, with its children and helpers."""
        return sum(map(cpu_of, [self.process.pid, *self.helpers]))

    def settled(self) -> float:
        """The same, once nothing is under way: no thread runs, or would if it were its turn."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and any(map(_at_work, _family(self.process.pid))):
            time.sleep(0.01)
        return self.cpu()

    def memory(self) -> dict[str, int]:
        """Bytes by RSS, PSS and USS, over all its processes."""
        found = {"rss": 0, "pss": 0, "uss": 0}
        for pid in _family(self.process.pid):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                name, _, value = line.partition(":")
                for key in {"Rss": ["rss"], "Pss": ["pss"], "Private_Clean": ["uss"],
                            "Private_Dirty": ["uss"]}.get(name, []):  # fmt: skip
                    found[key] += int(value.split()[0]) * 1024
        return found

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def uvicorn(app: str) -> list[str]:
    """The command of a bare uvicorn with the settings of `fasti serve`, and no access log."""
    flags = ["--loop", "uvloop", "--http", "httptools", "--lifespan", "off", "--log-level", "warning"]
    return [sys.executable, "-m", "uvicorn", app, "--port", "{port}", "--no-access-log", "--no-server-header", *flags]


def fasti(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "app.cli", *arguments]


def free_port() -> int:
    """A port that nobody has, and that the system gives to nobody who asks for any before a server listens there."""
    while True:
        port = SystemRandom().randrange(15_000, 30_000)
        with socket.socket() as bound, suppress(OSError):
            bound.bind(("127.0.0.1", port))
            return port


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used so far, with its children."""
    return sum(map(_cpu, _family(pid)))


def _family(pid: int) -> Iterator[int]:
    """A process and all below it. One that ends meanwhile has nothing to say."""
    yield pid
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _family(int(child))
    except FileNotFoundError:
        return


def _cpu(pid: int) -> float:
    """User and system time, of children too that have ended and were waited for."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICK


def _at_work(pid: int) -> bool:
    try:
        tasks = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    except FileNotFoundError:
        return False
    return any(said.rpartition(")")[2].split()[0] in "RD" for said in tasks)


def say(message: str) -> None:
    sys.stderr.write(message + "\n")
