"""The server as a person starts it."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

from app.settings import ROOT
from tests.cluster import until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
"""The browser that the explorer is looked at in; None where there is none."""


class Process(subprocess.Popen[str]):
    def __init__(self, command, **given):
        self.said: list[str] = []
        super().__init__(command, **given)


@contextmanager
def serving(*words, listening=None, **variables):
    """`fasti serve` as a process of its own, which has what it says in `said`, and its address.

    It may be handed a socket that is `listening` already, as systemd does it.
    """
    environment = {name: str(value) for name, value in variables.items()}

    def hand_over():
        os.dup2(listening.fileno(), 3)
        os.environ.update(environment, LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))

    command = [sys.executable, "-m", "app.cli", "serve", "--port", "0", *words]
    given = {"env": os.environ | environment} if listening is None else {"preexec_fn": hand_over, "pass_fds": [3]}
    with Process(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, **given) as process:
        assert process.stderr is not None
        try:
            told = next(line for line in process.stderr if line.startswith("Fasti is at "))
            # Read on, since it would wait for a reader when the pipe is full.
            threading.Thread(target=process.said.extend, args=[process.stderr], daemon=True).start()
            address = told.split()[3].rstrip(":")
            # It tells its address before it listens there.
            until(lambda: listens(int(address.rpartition(":")[2])))
            yield process, address
        finally:
            process.terminate()


def listens(port):
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def workers(process):
    """The processes that serve, without the one that watches over what they share."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    found = set()
    for child in children:
        # One that ends meanwhile is none.
        with suppress(FileNotFoundError, ProcessLookupError):
            found |= {int(child)} if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes() else set()
    return found
