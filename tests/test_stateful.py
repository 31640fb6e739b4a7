"""Any sequence of changed packs, loads, broken packs and questions, against a plain dictionary of what is served."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as effort
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, precondition, rule
from starlette.testclient import TestClient

from app.curation import cite
from app.load import load
from app.main import create_app
from app.pack import PackError
from app.settings import Settings

HEAD = """
pack: {id: made, title: Made up, description: Of no meaning., licence: CC0-1.0, citation: Nobody.}
sources: [{id: leaf, name: A leaf, type: note, licence: CC0-1.0, summary: Made up., cite: [It is written]}]
events:
"""
WORDS = st.text("abcdefgh", min_size=1, max_size=8)
YEARS = st.integers(-50, 2050) | st.none()


class Served(RuleBasedStateMachine):
    """`written` is what the pack says, `served` what was loaded of it; both by the id of an event."""

    ids = Bundle("ids")

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        place = Path(self.folder.name)
        self.pack = place / "seed" / "made"
        self.pack.mkdir(parents=True)
        (self.pack / "source.txt").write_text("It is written.", "utf-8")
        self.settings = Settings(
            database_url=f"sqlite:///{place}/fasti.db", seed_dir=place / "seed", source_dir=None, refresh_seconds=0
        )
        self.written, self.number, self.tag = {}, 0, None
        self.served: Any = None
        self.write()
        # The one phrase that everything cites keeps its place.
        cite(self.pack, None)
        self.client = TestClient(create_app(self.settings), raise_server_exceptions=False)
        self.client.__enter__()

    def teardown(self):
        if hasattr(self, "client"):
            self.client.__exit__(None, None, None)
            self.folder.cleanup()

    @rule(target=ids, name=WORDS, year=YEARS)
    def add(self, name, year):
        self.number += 1
        self.written[f"event-{self.number}"] = name, year
        return f"event-{self.number}"

    @rule(id=ids, name=WORDS, year=YEARS)
    def change(self, id, name, year):
        if id in self.written:
            self.written[id] = name, year

    @rule(id=consumes(ids))
    def remove(self, id):
        self.written.pop(id, None)

    def write(self, *, more=""):
        entries = "".join(
            f"  - {{id: {id}, name: {name}, type: note, summary: Made up., cite: [It is written]"
            + (f', date: {{text: "In {year}", edtf: "{edtf(year)}"}}' if year is not None else "")
            + "}\n"
            for id, (name, year) in self.written.items()
        )
        (self.pack / "pack.yaml").write_text((HEAD if entries or more else HEAD[:-8]) + entries + more, "utf-8")

    @rule()
    def load(self):
        self.write()
        loaded = load(self.settings)
        assert loaded.changed == (self.served != self.written)
        self.served = dict(self.written)

    @rule(fault=st.sampled_from(["  - {id: BAD}\n", "  - [\n", "  - {id: x, name: y, nme: z}\n", "nonsense: 1\n"]))
    def load_what_is_wrong(self, fault):
        self.write(more=fault)
        with pytest.raises(PackError):
            load(self.settings)

    @precondition(lambda self: self.served is None)
    @rule()
    def ask_before_anything_is_loaded(self):
        answer = self.client.get("/v1/events")
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")

    @precondition(lambda self: self.served is not None)
    @rule(limit=st.integers(1, 5))
    def ask_for_all(self, limit):
        url, found, revisions = f"/v1/events?limit={limit}&total=true", [], set()
        while url:
            page = self.client.get(url).json()
            found += page["items"]
            revisions.add(page["revision"])
            assert page["total"] == len(self.served)
            url = page["next"]
        assert len(revisions) == 1
        assert {each["id"]: (each["name"], year_of(each)) for each in found} == self.served
        assert len(found) == len(self.served)

    @precondition(lambda self: self.served is not None)
    @rule(year=st.integers(-50, 2050))
    def ask_for_a_year(self, year):
        edge = edtf(year)
        found = {each["id"] for each in self.client.get(f"/v1/events?from={edge}&to={edge}&limit=200").json()["items"]}
        assert found == {id for id, (_, own) in self.served.items() if own == year}

    @precondition(lambda self: self.served is not None)
    @rule(name=WORDS)
    def search(self, name):
        hits = self.client.get("/v1/search", params={"q": f'"{name}"', "kind": "event", "limit": 50}).json()["items"]
        wanted = {id for id, (own, _) in self.served.items() if own == name}
        assert wanted <= {each["id"] for each in hits}

    @precondition(lambda self: self.served is not None)
    @rule()
    def ask_again_for_what_is_known(self):
        """304 as long as nothing has changed, and only then."""
        tag = self.client.get("/v1/events").headers["etag"]
        before, self.tag = self.tag, (json.dumps(sorted(self.served.items())), tag)
        answer = self.client.get("/v1/events", headers={"if-none-match": (before or self.tag)[1]})
        assert answer.status_code == (304 if before is None or before[0] == self.tag[0] else 200)

    @precondition(lambda self: self.served is not None)
    @rule(id=ids)
    def ask_for_one(self, id):
        answer = self.client.get(f"/v1/events/{id}")
        assert answer.status_code == (200 if id in self.served else 404)
        assert self.client.head(f"/v1/events/{id}").status_code == answer.status_code


def edtf(year):
    return f"{'-' if year < 0 else ''}{abs(year):04d}"


def year_of(event):
    return int(event["date"]["text"].removeprefix("In ")) if event["date"] else None


Served.TestCase.settings = effort(
    max_examples=12, stateful_step_count=25, derandomize=True, suppress_health_check=list(HealthCheck)
)
TestServed = Served.TestCase
