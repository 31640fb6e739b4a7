"""What an answer took is there for the next one."""

import platform
from pathlib import Path

import httpx
import pytest

from app.load import load
from app.settings import Settings
from tests.serving import serving

ANSWERS = 50


def faults(process):
    """How often the process had to be given a page."""
    return int(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[7])


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library gives memory back as it likes")
def test_what_is_freed_is_kept(tmp_path):
    """Even where the C library is told from outside to give everything back at once."""
    url = f"sqlite:///{tmp_path / 'fasti.db'}"
    load(Settings(database_url=url, source_dir=None))
    named = {"FASTI_DATABASE_URL": url, "FASTI_SOURCE_DIR": "", "FASTI_CACHE_BYTES": 0, "MALLOC_TRIM_THRESHOLD_": 0}
    with serving("--no-load", **named) as (process, address), httpx.Client(base_url=address) as client:

        def ask():
            answer = client.get("/v1/events", params={"limit": 200, "include": "citations,relations,records"})
            assert len(answer.raise_for_status().content) > 100_000

        for _ in range(ANSWERS):
            ask()
        before = faults(process)
        for _ in range(ANSWERS):
            ask()
        assert faults(process) - before < 5 * ANSWERS
