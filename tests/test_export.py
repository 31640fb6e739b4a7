"""Leaving with everything: the same bytes over HTTP and on the command line, as the frictionless package takes them."""

import csv
import io
import json
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from frictionless import Package, system

from app import export
from app.db import Database
from app.load import load
from app.routers import sending
from app.settings import Settings

pytestmark = pytest.mark.anyio
PLAIN = {"accept-encoding": "identity"}


async def package_of(client):
    response = await client.get("/v1/export?format=datapackage")
    assert response.headers["content-type"] == "application/zip"
    assert response.headers["content-disposition"] == 'attachment; filename="fasti.zip"'
    assert "content-encoding" not in response.headers
    return response.content


def rows_of(content, name):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return list(csv.DictReader(io.StringIO(archive.read(f"{name}.csv").decode(), newline="")))


def verdict(content, folder):
    path = Path(folder) / "fasti.zip"
    path.write_bytes(content)
    with system.use_context(trusted=True):
        report = Package(str(path)).validate()
    return report.flatten(["name", "type", "message"])


async def test_ndjson_has_the_dataset_and_every_document(client):
    response = await client.get("/v1/export", headers=PLAIN)
    assert response.headers["content-type"] == "application/x-ndjson"
    first, *rest = [json.loads(line) for line in response.text.splitlines()]
    about = (await client.get("/v1")).json()
    assert first == {"table": "dataset", **about}
    tables = Counter(line["table"] + "s" for line in rest)
    kinds = Counter(line["kind"] for line in rest if line["table"] == "record")
    names = {"person": "people", "policy": "policies"}
    counts = {names.get(kind, kind + "s"): number for kind, number in kinds.items()}
    assert counts | {name: tables[name] for name in ("relations", "citations", "passages")} == about["counts"]
    for line in rest[:: len(rest) // 20]:
        table = line.pop("table")
        assert (await client.get(f"/v1/{table}s/{line['id']}")).json() == line


async def test_frictionless_accepts_the_package(client, tmp_path):
    content = await package_of(client)
    assert verdict(content, tmp_path) == []
    about = (await client.get("/v1")).json()
    for name, number in about["counts"].items():
        assert len(rows_of(content, name)) == number
    assert len(rows_of(content, "records")) == sum(list(about["counts"].values())[:8])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist()[0] == "datapackage.json"
        assert {each.date_time for each in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        descriptor = json.loads(archive.read("datapackage.json"))
    assert descriptor["version"] == about["revision"]
    assert descriptor["licenses"] == [
        {"name": "CC-BY-4.0", "path": "https://creativecommons.org/licenses/by/4.0/"}
    ]  # fmt: skip
    assert [f"{each['name']}.csv" for each in descriptor["resources"]] == archive.namelist()[1:]
    fields = [field for each in descriptor["resources"] for field in each["schema"]["fields"]]
    assert [field["name"] for field in fields if not field["description"]] == []


@pytest.mark.parametrize(
    ("name", "old", "new", "complaint"),
    [
        ("relations", ",mao-zedong,person,", ",mao-zedonk,person,", "foreign-key"),
        ("citations", ",hartnett-great-leap-forward-p2,", ",hartnett-great-leap-forward-p99,", "foreign-key"),
        ("estimates", ",15000000,", ",many,", "type-error"),
        ("events", ",asserted,", ",assertive,", "constraint-error"),
        ("people", "mao-zedong,person,", ",person,", "primary-key"),
    ],
)
async def test_the_schema_would_notice_a_fault(client, tmp_path, name, old, new, complaint):
    with zipfile.ZipFile(io.BytesIO(await package_of(client))) as archive:
        parts = {each: archive.read(each).decode() for each in archive.namelist()}
    assert old in parts[f"{name}.csv"]
    parts[f"{name}.csv"] = parts[f"{name}.csv"].replace(old, new, 1)
    broken = io.BytesIO()
    with zipfile.ZipFile(broken, "w") as archive:
        for each, text in parts.items():
            archive.writestr(each, text)
    assert complaint in {error[1] for error in verdict(broken.getvalue(), tmp_path)}


async def test_another_pack_is_accepted_too(tmp_path):
    packs = Path(__file__).parent / "packs"
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'fasti.db'}", seed_dir=packs, source_dir=None)
    load(settings)
    database = Database(settings)
    content = b"".join(database.pieces(export.data_package))
    database.close()
    assert verdict(content, tmp_path) == []
    [early] = [row for row in rows_of(content, "relations") if row["date.text"] == "In 44 BCE"]
    assert (early["date.edtf"], early["date.bounds.earliest_start"]) == ("-0043", "-0043-01-01")
    assert rows_of(content, "passages")[0]["text_available"] == "true"
    assert {row["value"] for row in rows_of(content, "estimates")} == {"", "300"}


@pytest.mark.parametrize("format", ["ndjson", "datapackage"])
async def test_the_bytes_are_the_revision_s(client, settings, format, monkeypatch):
    once = await client.get(f"/v1/export?format={format}", headers=PLAIN)
    database = Database(settings)
    assert b"".join(database.pieces(export.FORMATS[format])) == once.content
    monkeypatch.setattr(export, "BATCH", 7)
    assert b"".join(database.pieces(export.FORMATS[format])) == once.content
    database.close()
    again = await client.get(f"/v1/export?format={format}", headers={**PLAIN, "if-none-match": once.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = await client.head(f"/v1/export?format={format}", headers=PLAIN)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", once.headers["etag"])


async def test_both_databases_export_the_same_bytes(postgresql, tmp_path):
    found = []
    for url in (postgresql, f"sqlite:///{tmp_path / 'fasti.db'}"):
        settings = Settings(database_url=url, source_dir=None)
        load(settings)
        database = Database(settings)
        found.append([b"".join(database.pieces(make)) for make in export.FORMATS.values()])
        database.close()
    assert found[0] == found[1]


@pytest.mark.parametrize("make", export.FORMATS.values(), ids=export.FORMATS)
async def test_an_export_is_made_as_it_is_taken(settings, make, monkeypatch):
    """No more than a batch and a piece are held: the first comes before the last is read, and each is small."""
    monkeypatch.setattr(export, "BATCH", 5)
    monkeypatch.setattr(sending, "CHUNK", 2_000)
    read = []
    documents = export._documents

    def counted(*given):
        for document in documents(*given):
            read.append(document)
            yield document

    monkeypatch.setattr(export, "_documents", counted)
    database = Database(settings)
    pieces = database.stream(lambda c: sending.gathered(make(c)))
    await anext(pieces)
    early = len(read)
    sizes = [len(piece) async for piece in pieces]
    assert early < len(read) / 2
    assert len(sizes) > 3
    # A compressor holds some documents back, and lets them go together.
    assert max(sizes) < 80_000
    database.close()
