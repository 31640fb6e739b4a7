"""What the benchmark runs over, made once: per size a pack, the database that Fasti loads from it, and the peers'."""

import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

from app.settings import ROOT
from tests.bench import flat, pack
from tests.bench.postgresql import Cluster
from tests.bench.process import fasti, say

HOME = ROOT / ".data" / "bench"
MAKERS = ("words.py", "pack.py", "flat.py")


class Data:
    """The files of one size, and Fasti's database: in PostgreSQL where a cluster is given."""

    def __init__(self, size: int, cluster: Cluster | None = None) -> None:
        made = sha256(b"".join((Path(__file__).parent / name).read_bytes() for name in MAKERS)).hexdigest()[:8]
        self.size, self.folder = size, HOME / f"{size}-{made}"
        self.pack = self.folder / "seed" / "bench"
        self.peers = self.folder / "peers.db"
        self.url = cluster.url if cluster else f"sqlite:///{self.folder / 'fasti.db'}"
        self.helpers = [cluster.pid] if cluster else []

    @property
    def environment(self) -> dict[str, str]:
        """What `fasti` is told of them."""
        return {
            "FASTI_SEED_DIR": str(self.pack.parent),
            "FASTI_DATABASE_URL": self.url,
            "FASTI_SOURCE_DIR": str(self.pack),
        }

    def make(self, *, rebuild: bool = False) -> None:
        """The pack."""
        if rebuild:
            shutil.rmtree(self.folder, ignore_errors=True)
        if not (self.pack / "spans.json").is_file():
            say(f"Making up {self.size:,} events")
            pack.write(self.pack, self.size)

    def make_peers(self) -> None:
        if not self.peers.is_file():
            say(f"Building the peers' tables of {self.size:,} events")
            flat.build(self.pack, self.peers)

    def load(self) -> None:
        """Bring Fasti's database up to the pack; nothing is done where it is."""
        subprocess.run(fasti("load"), cwd=ROOT, env=os.environ | self.environment, check=True)
