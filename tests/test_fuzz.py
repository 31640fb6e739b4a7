"""Whatever bytes come, each reader understands them or says what is wrong: EDTF, cursors, packs, and what is searched.

`FUZZ=100000 pytest tests/test_fuzz.py` looks longer. What is tried is near what is right: valid input, cut and changed.
"""

import json
import os
from contextlib import suppress
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from starlette.testclient import TestClient

from app import cursors, dates
from app.analysis import marks, parse, snippet
from app.curation import staged
from app.encoding import query_string
from app.errors import Problem
from app.load import load
from app.main import create_app
from app.pack import PackError
from app.settings import ROOT, Settings

ways = effort(max_examples=int(os.environ.get("FUZZ", "200")), suppress_health_check=list(HealthCheck))
DATES = ["1957", "195X", "1966-06/1966-07", "[..1961]", "1957/", "-0043-03-15", "1932~", "1959?", "Y-12000", "../1959"]
PACKS = [path.read_bytes() for path in sorted((ROOT / "seed").rglob("*.yaml"))]
SIGNS = [b"\n", b": ", b"- ", b"&a ", b"*a", b"{", b"!!x "]
LINES = [
    b'{"id": "fire", "name": "Fire", "type": "disaster", "summary": "It burned.", "cite": ["It burned"]}\n',
    b'{"id": "fleet", "name": "Fleet", "type": "note", "date": {"text": "a", "edtf": "1957"}, "cite": []}\n',
]


def changed(valid, piece):
    """Some of what is valid, with pieces taken out, put in and doubled."""

    def edit(drawn):
        whole, edits = drawn
        for where, length, new in edits:
            place = where % (len(whole) + 1)
            whole = whole[:place] + new + whole[place + length :]
        return whole

    edits = st.lists(st.tuples(st.integers(0, 1_000_000), st.integers(0, 12), piece), max_size=6)
    return st.tuples(st.sampled_from(valid), edits).map(edit)


@ways
@given(changed(DATES, st.text("0123456789X~?%/.[]-YE+ {},", max_size=4)) | st.text(max_size=40))
def test_a_date_is_read_or_refused(text):
    try:
        span = dates.parse(text)
    except dates.DateError:
        return
    first, latest, earliest, last = (
        getattr(span, name) for name in ("earliest_start", "latest_start", "earliest_end", "latest_end")
    )
    for low, high in ((first, latest), (earliest, last), (first, last)):
        assert low is None or high is None or low <= high


@ways
@given(st.binary(max_size=200) | changed([cursors.seal("x", [1, "a"]).encode()], st.binary(max_size=3)))
def test_a_cursor_is_of_its_list_or_refused(raw):
    text = raw.decode("latin-1")
    try:
        found = cursors.unseal("x", text, lambda values: len(values) == 2)
    except Problem:
        return
    assert len(found) == 2


POSITIONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    settings = Settings(database_url=f"sqlite:///{tmp_path_factory.mktemp('fuzz') / 'fasti.db'}", source_dir=None)
    load(settings)
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(
    "path", ["events", "relations?sort=predicate", "estimates?sort=-low", "citations", "search?q=famine"]
)
@ways
@given(position=POSITIONS)
def test_a_position_that_no_page_has_is_no_fault_of_ours(served, path, position):
    """The seal is no secret: anybody can seal anything."""
    signatures = []
    join = "&" if "?" in path else "?"

    def noted(signature, body, held=cursors._digest):
        signatures.append(signature)
        return held(signature, body)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cursors, "_digest", noted)
        served.get(f"/v1/{path}{join}cursor=AAAA")
    assume(signatures)
    try:
        sealed = cursors.seal(signatures[0], position)
    except ValueError:
        return
    answer = served.get(f"/v1/{path}{join}cursor={sealed}")
    assert answer.status_code in (200, 422), answer.text


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pack")


def understood(folder, name, content):
    for old in folder.iterdir():
        old.unlink()
    (folder / name).write_bytes(content)
    with suppress(PackError), staged([folder], None):
        pass


@ways
@given(content=changed(PACKS, st.binary(max_size=4) | st.sampled_from(SIGNS)))
def test_a_pack_in_yaml_is_read_or_complained_of(folder, content):
    understood(folder, "pack.yaml", content[:3_000])


@ways
@given(content=st.lists(changed(LINES, st.binary(max_size=4)), max_size=4).map(b"".join))
def test_a_pack_in_lines_is_read_or_complained_of(folder, content):
    understood(folder, "events.ndjson", content)


@ways
@given(text=st.text(max_size=60), q=st.text(max_size=60))
def test_what_is_searched_is_read_or_refused(text, q):
    try:
        query = parse(q)
    except ValueError:
        return
    found = marks(text, query)
    assert all(0 <= one.start < one.end <= len(text) for one in found)
    begin, end = snippet(text, found)
    assert 0 <= begin <= end <= len(text)
    json.dumps([part._asdict() for part in query.parts])


@ways
@given(pairs=st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))))
def test_a_query_string_is_that_of_the_standard_library(pairs):
    assert query_string(pairs) == urlencode(pairs)
