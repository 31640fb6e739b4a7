"""The documentation shows what the API answers, and nothing else."""

import json
import re

import jsonschema
import pytest
from typer.testing import CliRunner

from app import examples
from app.cli import cli
from app.errors import PROBLEMS
from app.main import create_app
from app.settings import Settings

OPENAPI = create_app(Settings()).openapi()
OPERATIONS = {item["get"]["operationId"]: (path, item["get"]) for path, item in OPENAPI["paths"].items()}


def valid(example, schema):
    jsonschema.Draft202012Validator(schema | {"components": OPENAPI["components"]}).validate(example)


@pytest.mark.anyio
async def test_every_example_is_what_the_api_answers_today(settings, tmp_path):
    """A change of an answer shows here: look at it, then `fasti examples` and `fasti openapi > tests/openapi.json`."""
    empty = create_app(Settings(database_url=f"sqlite:///{tmp_path / 'none.db'}", source_dir=None))
    assert await examples.asked(create_app(settings), empty, OPENAPI) == examples.KEPT


def test_the_command_writes_the_same_file(tmp_path, monkeypatch):
    monkeypatch.setattr(examples, "FILE", tmp_path / "examples.json")
    assert CliRunner().invoke(cli, ["examples"]).exit_code == 0
    kept = examples.KEPT
    assert (tmp_path / "examples.json").read_text("utf-8") == json.dumps(kept, indent=1, ensure_ascii=False) + "\n"


def test_every_operation_shows_its_own_answer():
    for path, operation in OPERATIONS.values():
        answer = operation["responses"]["200"]
        shown = [media for media, content in answer["content"].items() if "example" in content]
        assert shown[0] == next(iter(answer["content"]))
        assert f" the answer to `{examples.target(path, operation)}`." in answer["description"]
        for content in map(answer["content"].get, shown):
            valid(content["example"], content["schema"])
            assert len(json.dumps(content["example"])) < 5_000, f"{path}: choose a request with a shorter answer"


def test_every_form_is_shown():
    """By its schema's example where not by the operation's own."""
    for _, operation in OPERATIONS.values():
        for media, content in operation["responses"]["200"]["content"].items():
            shape = OPENAPI["components"]["schemas"].get(content["schema"].get("$ref", "").rpartition("/")[2], {})
            assert "example" in content or "examples" in shape or media == "application/zip"
            for example in shape.get("examples", []):
                valid(example, content["schema"])


@pytest.mark.parametrize(("name", "path"), [(name, path) for name, (path, _) in OPERATIONS.items()])
def test_every_problem_is_shown_with_its_own_status_and_type(name, path):
    responses = OPERATIONS[name][1]["responses"]
    wanted = {"400", "406", "414", "422", "503"} | ({"404"} if "{id}" in path else set())
    assert set(responses) == {"200", "304"} | wanted
    for status in wanted:
        [content] = OPENAPI["components"]["responses"][responses[status]["$ref"].rpartition("/")[2]]["content"].values()
        problem = content["example"]
        assert problem["status"] == int(status)
        assert (problem["status"], problem["title"]) == PROBLEMS[problem["type"].removeprefix("/problems/")]
        assert bool(problem["errors"]) is (status == "422")


def test_no_example_knows_the_machine_it_was_made_on():
    hosts = set(re.findall(r"https?://([^/\"]+)", json.dumps(examples.KEPT)))
    assert hosts - {"creativecommons.org", "id.loc.gov", "purl.org", "schema.org", "www.iana.org", "www.w3.org"} == {
        "127.0.0.1:8000"
    }
