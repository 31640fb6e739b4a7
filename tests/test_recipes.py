"""The recipes of docs/recipes.md, run as they stand. Those for Node and for a browser are run by .ci/recipes.mjs."""

import json
import os
import re
import socket
import subprocess
import sys
import threading

import httpx
import pytest
import uvicorn
from pybtex.database import parse_string

from app.load import load
from app.main import create_app
from app.settings import ROOT, Settings

PAGE = (ROOT / "docs" / "recipes.md").read_text("utf-8")
HERE = "http://127.0.0.1:8000"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """Where the API is really served, over the seed pack."""
    settings = Settings(database_url=f"sqlite:///{tmp_path_factory.mktemp('recipes') / 'fasti.db'}", source_dir=None)
    load(settings)
    server = uvicorn.Server(uvicorn.Config(create_app(settings), log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def asked(base, address):
    return httpx.get(address.replace(HERE, base)).raise_for_status()


def test_every_recipe_is_run_by_somebody():
    assert re.findall(r"^```(\w+)$", PAGE, re.MULTILINE) == ["python", "ts", "sh", "html", "html", "html", "sh"]
    assert len(re.findall("^## ", PAGE, re.MULTILINE)) == 6


def test_all_events_in_python(base):
    [recipe] = blocks("python")
    command = [sys.executable, "-c", recipe.replace(HERE, base)]
    run = subprocess.run(
        command, capture_output=True, encoding="utf-8", env=os.environ | {"PYTHONUTF8": "1"}, timeout=60
    )
    assert (run.returncode, run.stderr) == (0, "")
    first = asked(base, f"{HERE}/v1/events?total=true").json()
    # More than a page, so that `next` was followed.
    assert first["total"] > len(first["items"])
    whole = [json.loads(line) for line in asked(base, f"{HERE}/v1/events?format=ndjson").text.splitlines()]
    wanted = [f"{each['date']['text'] if each['date'] else 'undated'}\t{each['name']}" for each in whole]
    assert (run.stdout.splitlines(), len(wanted)) == (wanted, first["total"])


def test_citing_a_fact(base):
    addresses = re.findall(r"^curl '(.*)'$", blocks("sh")[-1], re.MULTILINE)
    bibtex, csl, places = (asked(base, address) for address in addresses)
    [entry] = parse_string(bibtex.text, "bibtex").entries.values()
    [item] = csl.json()
    revision = places.json()["revision"]
    assert (entry.key, item["id"]) == ("chinese-famine-deaths", "chinese-famine-deaths")
    assert entry.fields["title"] == "{Deaths in China [attributed to scholars]}"
    assert item["title"] == "Deaths in China [attributed to scholars]"
    assert entry.fields["url"] == item["URL"] == f"{base}/v1/estimates/chinese-famine-deaths"
    assert entry.fields["version"] == item["version"] == revision
    assert places.json()["next"] is None
    assert len(places.json()["items"]) == 5
