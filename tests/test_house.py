"""How the house stands: a room knows only what stands below it, and no room is too large."""

import ast
import json
import re

import pytest

from app.main import create_app
from app.settings import ROOT, Settings
from tests.breakages import BREAKAGES

LEVELS = [
    {"settings", "dates", "errors", "vocabulary", "analysis", "encoding", "logs", "memory", "pages", "seal"},
    {"models", "db", "postgresql", "sqlite", "turns", "packfile", "statements", "workers", "entries"},
    {"schemas", "spans", "pack", "caching", "edge", "formats", "index", "cursors", "zones", "target"},
    {"texts", "staging", "limits"},
    {"resources"},
    {"selection"},
    {"listing", "tallies", "related"},
    {"queries", "documents", "fingerprints", "answers", "export"},
    {"curation", "rendering"},
    {"entering"},
    {"load"},
    {"params", "protocol"},
    {"routers", "examples"},
    {"docs", "explorer", "agents", "health", "watching"},
    {"main"},
    {"cli"},
]
LEVEL = {name: level for level, names in enumerate(LEVELS) for name in names}
FILES = [path for path in (ROOT / "app").rglob("*.py") if path != ROOT / "app" / "__init__.py"]
# Rooms of one level that may use each other, each in one direction only.
WITHIN = {("db", "postgresql"), ("db", "sqlite"), ("db", "turns"), ("postgresql", "turns"),
          ("pack", "spans"), ("answers", "queries"), ("export", "queries"),
          ("edge", "caching"), ("formats", "schemas")}  # fmt: skip


def imports(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "app":
            parts = (node.module or "").split(".")
            yield from [parts[1]] if len(parts) > 1 else [name.name for name in node.names if name.name in LEVEL]
        elif isinstance(node, ast.ImportFrom):
            yield f"external {node.module}"
        elif isinstance(node, ast.Import):
            yield from (f"external {name.name}" for name in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT / "app")))
def test_a_room_knows_only_what_stands_below(path):
    room = path.relative_to(ROOT / "app").parts[0].removesuffix(".py")
    used = [name for name in imports(path) if not name.startswith("external")]
    up = [name for name in used if LEVEL[name] >= LEVEL[room] and name != room and (room, name) not in WITHIN]
    assert up == []
    if LEVEL[room] < LEVEL["params"]:
        assert not [name for name in imports(path) if name.startswith("external fastapi")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT / "app")))
def test_no_room_is_above_five_hundred_lines(path):
    assert len(path.read_text("utf-8").splitlines()) <= 500


def test_the_explorer_is_of_small_files_that_the_page_names():
    """Each module is fetched at once, and none waits for what imports it. HTML is never made of strings."""
    files = {path.name: path.read_text("utf-8") for path in (ROOT / "app" / "static").iterdir()}
    page = files["index.html"]
    assert set(re.findall(r'/explorer/([\w.]+)"', page)) == set(files) - {"index.html"}
    for name, text in files.items():
        assert len(text.splitlines()) <= 350, name
        assert "innerHTML" not in text, name
        assert "https://" not in text, name


def test_the_openapi_document_is_the_one_that_was_agreed():
    """A change of the API shows here: look at it, then `fasti openapi > tests/openapi.json`."""
    agreed = json.loads((ROOT / "tests" / "openapi.json").read_text("utf-8"))
    assert create_app(Settings()).openapi() == agreed


def test_every_setting_is_in_the_readme():
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [n for n in Settings.model_fields if f"FASTI_{n.upper()}" not in readme] == []
    assert len(readme.splitlines()) <= 150


def test_what_keeps_each_promise_stands_where_it_is_broken_once():
    """`python -m tests.breakages` breaks it there, and has the test fail that is named."""
    for each in BREAKAGES:
        assert (ROOT / "app" / each.file).read_text("utf-8").count(each.kept) == 1, each.promise
        for name in each.tests.split():
            file, _, test = name.partition("::")
            assert f"def {test}" in (ROOT / "tests" / f"test_{file}.py").read_text("utf-8"), name


def test_what_a_route_allows_is_what_the_document_says():
    """A start does not wait for the document: what is read from the routes instead has to be the same."""
    app = create_app(Settings())
    assert app.openapi_schema is None
    operations = [path["get"] for path in app.openapi()["paths"].values()]
    for each in operations:
        asked = [parameter for parameter in each["parameters"] if parameter["in"] == "query"]
        wanted = [(parameter["name"], parameter["schema"].get("type") == "array") for parameter in asked]
        assert list(app.state.parameters[each["operationId"]].items()) == wanted
        formats = [format.media_type for format in app.state.formats[each["operationId"]]]
        assert formats == list(each["responses"]["200"]["content"])
    assert len(app.state.parameters) == len(operations)
