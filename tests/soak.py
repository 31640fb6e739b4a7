"""`python -m tests.soak [minutes]`: a server under valid and hostile requests at once, ten minutes if nothing else is
said. It tells each minute what was answered and what memory the server holds, and fails if that grows by 5 % or more
after the first tenth of the time, if an answer is 500, or if the server does not answer at the end."""

import asyncio
import itertools
import json
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import psutil

from app.limits import BODY_BYTES, HEAD_BYTES
from app.load import load
from app.settings import Settings
from tests.conversation import HOST, request
from tests.serving import serving
from tests.test_manners import PATHS, parameters, url

MINUTES, CLIENTS, ENEMIES, GROWTH = 10.0, 12, 6, 1.05
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
# Small, so that it is full before memory is looked at.
CACHE_BYTES = 4_000_000


class Soak:
    def __init__(self, port: int, seconds: float) -> None:
        self.port, self.until = port, time.monotonic() + seconds
        self.statuses: Counter[int] = Counter()
        self.random = Random("soak")
        self.asked = [url(p, **{each["name"]: str(example)}) for p in PATHS for each in parameters(p)
                      for example in each["schema"].get("examples", [])]  # fmt: skip
        self.lists = [p for p in PATHS if "{" not in p and any(each["name"] == "limit" for each in parameters(p))]

    async def client(self) -> None:
        """Asks good and mistaken questions, on connections of some hundred requests."""
        while time.monotonic() < self.until:
            for _ in range(self.random.randrange(1, 300)):
                path = self.random.choice(self.asked)
                if self.random.random() < 0.3:
                    path = url(self.random.choice(self.lists), limit=str(self.random.randrange(-5, 205)))
                lines = [f"GET {path} HTTP/1.1", HOST, f"X: {self.random.random()}"]
                lines += self.random.choice([[], ["Accept-Encoding: gzip"], ["Accept: text/csv"], ["If-None-Match: *"]])
                if not await self.talk([request(*lines)], answers=1):
                    break

    async def enemy(self) -> None:
        for number in itertools.count(self.random.randrange(100)):
            if time.monotonic() > self.until:
                return
            await self.talk(**HOSTILE[number % len(HOSTILE)](self.random))

    async def talk(self, segments: list[bytes], *, answers: int = 0, pause: float = 0, leave: float = 0) -> bool:
        """Send the segments; read so many answers, or up to the end, or leave after so many seconds without reading."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        try:
            for segment in segments:
                writer.write(segment)
                await asyncio.sleep(pause)
            if leave:
                await asyncio.sleep(leave)
                return False
            async with asyncio.timeout(30):
                found = await (self.read(reader) if answers else reader.read())
            self.statuses.update(int(each) for each in STATUS.findall(found))
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return False
        finally:
            writer.transport.abort()
        return True

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        if length := re.search(rb"content-length: (\d+)", head):
            await reader.readexactly(int(length[1]))
        return head


def sent(*segments: bytes, **how: float) -> Callable[[Random], Any]:
    return lambda _: {"segments": list(segments), **how}


PLAIN = request("GET /v1/events?limit=5 HTTP/1.1", HOST)
HOSTILE = [
    sent(b"\x16\x03\x01\x02\x00" + bytes(200)),
    lambda random: {"segments": [random.randbytes(random.randrange(1, 5_000))], "leave": 0.05},
    sent(request("GET /v1/events?q=" + "x" * HEAD_BYTES + " HTTP/1.1", HOST)),
    sent(request("GET /v1 HTTP/1.1", HOST, *(f"X{n}: y" for n in range(500)))),
    sent(request("POST /v1/events HTTP/1.1", HOST, f"Content-Length: {10 * BODY_BYTES}"), *[bytes(65_536)] * 20),
    sent(request("POST /v1 HTTP/1.1", HOST, "Transfer-Encoding: chunked"), b"ffffffff\r\n" + bytes(100_000), leave=0.1),
    sent(PLAIN * 300),
    sent(*[request("GET /openapi.json HTTP/1.1", HOST)] * 60, leave=0.3),
    sent(request("GET /v1/export?format=ndjson HTTP/1.1", HOST), leave=0.02),
    sent(*(PLAIN[n : n + 1] for n in range(20)), pause=0.02, leave=0.01),
    sent(PLAIN, PLAIN[:-2], leave=0.2),
    sent(b"", leave=0.5),
    lambda random: {"segments": [PLAIN[: random.randrange(1, len(PLAIN))]], "leave": 0.01},
    sent(request("GET /v1/%00%ff?%zz=%00 HTTP/1.1", HOST, HOST)),
    sent(request("GET /v1/search?q=" + "%F0%9F%92%A9" * 200 + " HTTP/1.1", HOST, "Connection: close")),
    sent(request("GET /v1/events?cursor=" + "A" * 1_900 + " HTTP/1.1", HOST, "Connection: close")),
]


def rss(pid: int) -> int:
    """Bytes of memory that a process holds."""
    found: int = psutil.Process(pid).memory_info().rss
    return found


async def soak(pid: int, port: int, seconds: float) -> bool:
    run = Soak(port, seconds)
    tasks = [asyncio.create_task(run.client()) for _ in range(CLIENTS)]
    tasks += [asyncio.create_task(run.enemy()) for _ in range(ENEMIES)]
    begun, warm, last = time.monotonic(), 0, 0
    while time.monotonic() < run.until:
        await asyncio.sleep(seconds / 10)
        last = rss(pid)
        warm = warm or last
        told = ", ".join(f"{number:,} × {status}" for status, number in sorted(run.statuses.items()))
        say(f"{time.monotonic() - begun:5.0f} s  {last / 1e6:6.1f} MB ({last / warm - 1:+.1%})  {told}")
    await asyncio.gather(*tasks)
    lives = Soak(port, 0)
    await lives.talk([request("GET /health/live HTTP/1.1", HOST, "Connection: close")])
    return last < warm * GROWTH and not run.statuses[500] and run.statuses[200] > 0 and lives.statuses[200] == 1


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/fasti.db"
        load(Settings(database_url=url, source_dir=None))
        variables = {"FASTI_DATABASE_URL": url, "FASTI_SOURCE_DIR": "", "FASTI_CACHE_BYTES": CACHE_BYTES}
        with serving("--no-load", **variables) as (process, address):
            good = asyncio.run(soak(process.pid, int(address.rpartition(":")[2]), minutes * 60))
    say(json.dumps({"good": good}))
    raise SystemExit(not good)


if __name__ == "__main__":
    main()
