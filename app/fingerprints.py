"""What names the content of packs: hashes of their files. A large file is hashed again only when it is another, which
its size, its time of change or its number in the file system tells."""

import json
import os
import time
from contextlib import suppress
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from app.pack import files
from app.texts import SPANS

LARGE = 1_000_000
"""Bytes of a file that are worth remembering."""
SETTLED = 2_000_000_000
"""Nanoseconds after which a further change of a file surely has another time."""


class Fingerprints:
    """Digests of files, the large ones remembered in the file `memory`."""

    def __init__(self, memory: Path | None = None) -> None:
        self.memory, self.known, self.new = memory, dict[str, Any](), False
        with suppress(OSError, ValueError):
            self.known = json.loads(memory.read_text("utf-8")) if memory else {}

    def of(self, folder: Path, source_dir: Path | None) -> str:
        """A hash over all that a pack's content depends on."""
        seen = sha256()
        for path in [*files(folder), folder / SPANS]:
            seen.update(path.name.encode() + b"\0" + self._digest(path) + b"\0")
        places = [folder, *([source_dir / folder.name, source_dir] if source_dir else [])]
        for path in [path for place in places for path in sorted(place.glob("*.txt"))]:
            seen.update(self._digest(path) + b"\0")
        return seen.hexdigest()

    def keep(self) -> None:
        """Remember what was new. It only saves time, so it does not matter if that cannot be."""
        if self.memory and self.new:
            with suppress(OSError):
                self.memory.parent.mkdir(parents=True, exist_ok=True)
                aside = self.memory.with_name(f"{self.memory.name}.{os.getpid()}.new")
                aside.write_text(json.dumps(self.known, indent=1), "utf-8")
                aside.replace(self.memory)

    def _digest(self, path: Path) -> bytes:
        if not path.is_file():
            return b""
        found = path.stat()
        name, mark = str(path.absolute()), [found.st_size, found.st_mtime_ns, found.st_ino]
        if found.st_size > LARGE and self.known.get(name, {}).get("mark") == mark:
            return bytes.fromhex(self.known[name]["sha256"])
        with path.open("rb") as file:
            digest = file_digest(file, "sha256")
        if found.st_size > LARGE and time.time_ns() - found.st_mtime_ns > SETTLED:
            self.known[name], self.new = {"mark": mark, "sha256": digest.hexdigest()}, True
        return digest.digest()
