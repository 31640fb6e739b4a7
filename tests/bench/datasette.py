"""Datasette as a peer: installed beside, over the peers' tables, with queries of its own where its URLs have none."""

import json
import subprocess
import sys
from pathlib import Path

from app.settings import ROOT
from tests.bench.process import Server, say

VENV = ROOT / ".venv-bench"
TIED = """
WITH RECURSIVE near (id, depth) AS (
  SELECT :record, 0
  UNION SELECT object_id, depth + 1 FROM near JOIN relation ON subject_id = near.id WHERE depth < 2
  UNION SELECT subject_id, depth + 1 FROM near JOIN relation ON object_id = near.id WHERE depth < 2
  LIMIT :limit
)
SELECT * FROM record WHERE id IN (SELECT id FROM near)
"""
EVIDENCE = """
SELECT record.*,
  (SELECT json_group_array(json_object('id', r.id, 'subject', r.subject_id, 'predicate', r.predicate, 'object',
     r.object_id, 'role', r.role, 'record', (SELECT json_object('id', o.id, 'name', o.name, 'summary', o.summary)
     FROM record o WHERE o.id IN (r.subject_id, r.object_id) AND o.id <> record.id)))
   FROM relation r WHERE r.subject_id = record.id OR r.object_id = record.id) AS relations,
  (SELECT json_group_array(json_object('fragment', c.fragment, 'start', c.start_offset, 'end', c.end_offset))
   FROM citation c WHERE c.record_id = record.id) AS citations
FROM record WHERE id = :event
"""
EVENTS_OF = "FROM relation JOIN record ON record.id = object_id WHERE subject_id = :person AND kind = 'event'"
DECADES = "SELECT stated_start / 3652 AS decade, count(*) AS count FROM record WHERE kind = 'event'"
QUERIES = {
    "events_of": f"SELECT record.* {EVENTS_OF} ORDER BY record.stated_start LIMIT 20",
    "types_of": f"SELECT type, record.stance, count(*) AS count {EVENTS_OF} GROUP BY type, record.stance",
    "evidence": EVIDENCE,
    "neighbors": TIED,
    "timeline": f"{DECADES} GROUP BY decade",
    "timeline_of": f"{DECADES} AND type = :type GROUP BY decade",
}
SETTINGS = {"suggest_facets": "off", "allow_facet": "on", "num_sql_threads": "3", "sql_time_limit_ms": "10000",
            "facet_time_limit_ms": "10000", "max_returned_rows": "1000", "force_https_urls": "off"}  # fmt: skip


def install() -> None:
    if not (VENV / "bin" / "datasette").is_file():
        say("Setting up .venv-bench with Datasette (once)")
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
        pip = str(VENV / "bin" / "pip")
        subprocess.run([pip, "install", "--quiet", "--disable-pip-version-check", "datasette"], check=True)


def serve(peers: Path) -> Server:
    """Datasette over the peers' tables, which it takes for a file that never changes."""
    install()
    metadata = peers.with_name("datasette.json")
    queries = {name: {"sql": sql} for name, sql in QUERIES.items()}
    metadata.write_text(json.dumps({"databases": {"peers": {"queries": queries}}}))
    settings = [part for name, value in SETTINGS.items() for part in ("--setting", name, value)]
    command = [str(VENV / "bin" / "datasette"), "serve", "-i", str(peers), "-m", str(metadata), "-p", "{port}"]
    return Server("Datasette", [*command, *settings], "/-/versions.json", peers.with_name("datasette.log"))
