"""The load generator: wrk with a list of requests, on another core than the server."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from app.settings import ROOT
from tests.bench.process import LOAD_CORE

HOME = ROOT / ".venv" / "wrk"
# Requests are made ready before the first is sent, so that the load generator is never the slower one.
SCRIPT = """
local requests, at = {}, 0
function init(arguments)
  for line in io.lines(arguments[1]) do
    local path, tag = line:match("^(%S+)%s*(.*)$")
    requests[#requests + 1] = wrk.format("GET", path, tag ~= "" and {["If-None-Match"] = tag} or {})
  end
  at = tonumber(arguments[2])
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('\\n{"requests":%d,"seconds":%f,"p50":%f,"p99":%f,"failed":%d}\\n', summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, failed))
end
"""


class Drive(NamedTuple):
    """What one run of the generator saw; latencies are milliseconds."""

    requests: int
    seconds: float
    p50: float
    p99: float
    failed: int


def find() -> str | None:
    """Where wrk is: on the PATH, or taken from the distribution's package without being installed. None without it."""
    found = shutil.which("wrk")
    kept = HOME / "usr" / "bin" / "wrk"
    if found or kept.is_file():
        return found or str(kept)
    return str(kept) if _fetched() and kept.is_file() else None


def _fetched() -> bool:
    """Whether the distribution's packages of wrk, and of what it is linked with, could be unpacked."""
    if not shutil.which("apt-get"):
        return False
    wanted = ["wrk", "libluajit-5.1-2", "libluajit-5.1-common"]
    with TemporaryDirectory() as folder:
        got = subprocess.run(["apt-get", "download", *wanted], cwd=folder, capture_output=True)
        unpacked = [
            subprocess.run(["dpkg-deb", "-x", str(package), str(HOME)], capture_output=True).returncode
            for package in Path(folder).glob("*.deb")
        ]
    return got.returncode == 0 and not any(unpacked)


def drive(url: str, requests: list[str], *, start: int, seconds: int, connections: int) -> Drive:
    """Send the requests in turn, from the one at `start`: each a path, and a tag to be matched behind it if any."""
    program = find()
    assert program, "wrk is looked for before"
    libraries = ":".join(map(str, HOME.glob("usr/lib/*/")))
    with TemporaryDirectory() as folder:
        script, listed = Path(folder) / "requests.lua", Path(folder) / "requests"
        script.write_text(SCRIPT)
        listed.write_text("\n".join(requests) + "\n")
        command = [program, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout=60s", "-s", str(script), url, "--"]
        said = subprocess.run(
            [*command, str(listed), str(start)], capture_output=True, text=True, check=True,
            env={**os.environ, "LD_LIBRARY_PATH": libraries},
            preexec_fn=lambda: os.sched_setaffinity(0, {LOAD_CORE}),
        ).stdout  # fmt: skip
    return Drive(**json.loads(said.strip().splitlines()[-1]))
