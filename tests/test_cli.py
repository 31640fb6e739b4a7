"""The command `fasti`, run as a person runs it."""

import json
import os
import shutil
import signal
import time
import zipfile
from io import StringIO
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from app import pack
from app.cli import WIDTH, Steps, cli
from app.settings import ROOT
from tests.serving import serving, workers

IDES = ROOT / "tests" / "packs" / "ides"


@pytest.fixture
def run(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "seed", tmp_path / "seed")
    monkeypatch.setenv("FASTI_SEED_DIR", str(tmp_path / "seed"))
    monkeypatch.setenv("FASTI_DATABASE_URL", f"sqlite:///{tmp_path / 'fasti.db'}")
    monkeypatch.delenv("FASTI_SOURCE_DIR", raising=False)
    return lambda *words: CliRunner().invoke(cli, words)


def test_check_reports_counts_spans_and_coverage(run):
    result = run("check")
    assert result.exit_code == 0
    assert "UNVERIFIED: the text is not at hand; 53 of 53 sentences cited" in result.stdout


def test_check_tells_all_that_is_wrong_and_exits_with_1(run, tmp_path):
    path = tmp_path / "seed" / "great-leap-forward" / "places.yaml"
    path.write_text(path.read_text("utf-8").replace("name:", "nmae:"), "utf-8")
    result = run("check")
    assert result.exit_code == 1
    assert "did you mean `name`?" in result.stderr
    assert "things to put right; nothing was changed." in result.stderr


def test_check_tells_the_mistakes_of_all_packs(run, tmp_path):
    for name in ("first", "second"):
        shutil.copytree(IDES, tmp_path / "seed" / name)
        (tmp_path / "seed" / name / "more.yaml").write_text("plcaes: []\n", "utf-8")
    lines = run("check").stderr.splitlines()
    assert [line.partition(":")[0] for line in lines[:2]] == [
        str(tmp_path / "seed" / name / "more.yaml") for name in ("first", "second")
    ]
    assert all(" is taken, by the " in line or " is there twice" in line for line in lines[2:-1])
    assert lines[-1] == f"{len(lines) - 1} things to put right; nothing was changed."


def test_the_last_line_says_when_there_is_more_that_is_wrong(run, tmp_path):
    faulty = [{"id": f"e{number}"} for number in range(pack.MOST)]
    (tmp_path / "seed" / "great-leap-forward" / "events-more.ndjson").write_text(
        "\n".join(map(json.dumps, faulty)), "utf-8"
    )
    *told, last = run("check").stderr.splitlines()
    assert len(told) == pack.MOST
    assert last == "200 things to put right, and more, which were not looked for; nothing was changed."


class Terminal(StringIO):
    def isatty(self):
        return True


def test_progress_is_a_bar_where_somebody_watches(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    steps = Steps()
    for done in (1, 2, 500, 1_000):
        steps("Reading", done, 1_000)
    steps("Numbering", 0, 0)
    steps.end()
    # A share that is shown already is not shown again.
    reading = [f"\rReading{' ' * 17} [{'#' * (share * WIDTH // 100):{WIDTH}}] {share:3} %" for share in (0, 50, 100)]
    assert screen.getvalue() == "".join(reading) + f"\n\rNumbering{' ' * 15} …\n"


def test_progress_is_a_line_a_step_where_nobody_does(capsys):
    for told, lines in ((True, ["Reading", "Numbering"]), (False, [])):
        steps = Steps(told=told)
        for done in (1, 1_000):
            steps("Reading", done, 1_000)
        steps("Numbering", 0, 0)
        steps.end()
        assert capsys.readouterr().err.splitlines() == lines


def test_cite_writes_what_check_then_holds_against_the_text(run, tmp_path):
    folder = tmp_path / "ides"
    shutil.copytree(IDES, folder)
    (folder / "spans.json").unlink()
    complaint = f"{folder / 'spans.json'}:1: is missing or out of date: run `fasti cite`"
    result = run("check", str(folder))
    assert (result.exit_code, result.stderr.splitlines()) == (
        1, [complaint, "1 thing to put right; nothing was changed."],
    )  # fmt: skip
    assert run("cite", str(folder)).exit_code == 0
    assert (folder / "spans.json").read_text("utf-8") == (IDES / "spans.json").read_text("utf-8")
    assert run("check", str(folder)).stdout.splitlines()[1] == (
        "  16 spans verified against the text; 8 of 8 sentences cited"
    )


def test_a_broken_pack_is_not_loaded(run, tmp_path):
    (tmp_path / "seed" / "great-leap-forward" / "more.yaml").write_text("plcaes: []\n", "utf-8")
    for command in ("load", "export"):
        result = run(command)
        assert result.exit_code == 1
        assert result.stderr.endswith("\n1 thing to put right; nothing was changed.\n")
    assert not (tmp_path / "fasti.db").exists()


def test_check_of_a_folder_that_is_not_there(run):
    result = run("check", "nowhere")
    assert (result.exit_code, result.stderr) == (2, "There is no folder nowhere.\n")


def test_load_builds_once(run):
    assert "is loaded." in run("load").stderr
    assert "was loaded already." in run("load").stderr
    assert "is loaded." in run("load", "--force").stderr


def test_cite_without_the_text_keeps_the_places_it_has(run, tmp_path):
    spans = tmp_path / "seed" / "great-leap-forward" / "spans.json"
    before = spans.read_text("utf-8")
    result = run("cite")
    assert (result.exit_code, spans.read_text("utf-8")) == (0, before)
    assert "UNVERIFIED: the text is not at hand" in result.stdout


def test_one_text_of_two_is_not_verified(run, tmp_path):
    folder = tmp_path / "two"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.txt").write_text("He fell.", "utf-8")
    sources = "".join(
        f"  - {{id: {n}, text: {n}.txt, name: N, summary: S., type: t, licence: L,"
        f" cite: [{{phrase: He fell, source: {n}}}]}}\n"
        for n in ("a", "b")
    )
    head = "pack: {id: two, title: T, description: D., licence: L, citation: C.}\nsources:\n"
    (folder / "pack.yaml").write_text(head + sources, "utf-8")
    assert run("cite", str(folder)).exit_code == 0
    (folder / "b.txt").unlink()
    assert "2 spans UNVERIFIED" in run("check", str(folder)).stdout


def test_cite_of_a_new_pack_needs_the_text(run, tmp_path):
    (tmp_path / "seed" / "great-leap-forward" / "spans.json").unlink()
    result = run("cite")
    assert result.exit_code == 1
    assert "its text 'article.txt' is not at hand" in result.stderr


@pytest.mark.parametrize("command", ["check", "cite", "load"])
def test_a_seed_folder_without_packs(run, tmp_path, monkeypatch, command):
    for folder in (tmp_path / "nowhere", tmp_path):
        monkeypatch.setenv("FASTI_SEED_DIR", str(folder / "seed" / "great-leap-forward"))
        result = run(command)
        assert (result.exit_code, "there is no pack" in result.stderr) == (1, True)


def test_export_writes_every_document(run):
    result = run("export")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert {line["table"] for line in lines} == {"dataset", "record", "relation", "passage", "citation"}
    assert lines[1]["links"]["self"] == f"/v1/events/{lines[1]['id']}"


def test_export_writes_a_whole_file_or_none(run, tmp_path):
    target = tmp_path / "fasti.zip"
    result = run("export", "--no-load", "--format", "datapackage", "--output", str(target))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "There is no data to serve: run `fasti load`." in result.stderr
    assert run("export", "--format", "datapackage", "--output", str(target)).exit_code == 0
    assert zipfile.ZipFile(target).testzip() is None
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("fasti.zip")] == ["fasti.zip"]


def test_openapi_prints_what_is_served(run):
    assert json.loads(run("openapi").stdout) == json.loads((ROOT / "tests" / "openapi.json").read_text("utf-8"))


def test_schema_prints_what_editors_use(run):
    assert run("schema").stdout == (ROOT / "seed" / "pack.schema.json").read_text("utf-8")


def revision(address):
    with httpx.Client(transport=httpx.HTTPTransport(retries=100)) as client:
        return client.get(f"{address}/v1").json()["revision"]


@pytest.mark.usefixtures("run")
def test_serve_tells_its_address_answers_and_ends():
    with serving() as (process, address):
        assert len(revision(address)) == 16
        assert "server" not in httpx.get(f"{address}/v1").headers
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, -signal.SIGTERM)


@pytest.mark.usefixtures("run")
def test_workers_are_begun_anew_and_end_together():
    with serving("--workers", "2") as (process, address):
        assert len(revision(address)) == 16
        first = workers(process)
        assert len(first) == 2
        killed = min(first)
        os.kill(killed, signal.SIGKILL)
        while killed in workers(process) or len(workers(process)) < 2:
            time.sleep(0.1)
        assert len(revision(address)) == 16
        last = workers(process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert not [worker for worker in last if Path(f"/proc/{worker}").exists()]
