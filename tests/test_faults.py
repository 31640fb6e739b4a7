"""Faults of the data on SQLite: a load that breaks off changes nothing, and a file that is not what a load wrote is not
served. What is promised stands in docs/operations.md, under Data."""

import ctypes
import fcntl
import json
import multiprocessing
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from sqlalchemy import text

from app import seal
from app.curation import staged
from app.db import Database
from app.errors import Problem
from app.load import load, stored_revision
from app.main import create_app
from app.pack import PackError, folders
from app.settings import ROOT, Settings
from tests.serving import serving

KILLS = 100
REMARK = "\n# A remark.\n"


def packs(folder, remark=""):
    """A folder of packs, which is another revision with a remark."""
    shutil.copytree(ROOT / "tests" / "packs", folder)
    about = folder / "ides" / "pack.yaml"
    about.write_text(about.read_text("utf-8") + remark, "utf-8")
    return folder


def settings_of(folder, seed):
    return Settings(database_url=f"sqlite:///{folder / 'fasti.db'}", seed_dir=seed, source_dir=None, refresh_seconds=0)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The packs and the files of two revisions: what to copy, and never to write to."""
    top = tmp_path_factory.mktemp("built")
    for name, remark in (("old", ""), ("new", REMARK)):
        (top / name).mkdir()
        load(settings_of(top / name, packs(top / name / "seed", remark)))
    return top


@pytest.fixture
def copied(built, tmp_path):
    """Settings of the old revision in an own folder."""
    shutil.copy(built / "old" / "fasti.db", tmp_path)
    return settings_of(tmp_path, built / "old" / "seed")


def newer(settings, built):
    """The same database, for packs that say something else."""
    return settings.model_copy(update={"seed_dir": built / "new" / "seed"})


def everything(path):
    """The revision that a file holds, and all its rows."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    # The index of words keeps no rows of its own, but is stored in tables that are looked at here.
    tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%' ORDER BY name"
    rows = [(table, connection.execute(f"SELECT * FROM {table}").fetchall()) for (table,) in connection.execute(tables)]
    [(name,)] = connection.execute("SELECT name FROM revision")
    connection.close()
    return name, rows


def beside(settings):
    path = database_of(settings)
    return sorted(each.name for each in path.parent.iterdir() if each != path)


def database_of(settings):
    return Path(settings.database_url.removeprefix("sqlite:///"))


def read(settings):
    """The revision that a server would serve."""
    database = Database(settings)
    try:
        return next(database.pieces(lambda c: iter([c.execute(text("SELECT name FROM revision")).scalar_one()])))
    finally:
        database.close()


# The road in


@pytest.fixture(scope="module")
def children():
    """What makes processes that have all modules loaded, and are killed without harm to anybody."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "app.load", "alembic.command", "alembic.config"])
    return context


def cpu_seconds(process):
    """What a process has used of a processor; None once it has ended."""
    try:
        return time.clock_gettime(~process.pid << 3 | 2)
    except OSError:
        return None


def run_for(process, seconds):
    """Kill the process when it has used so much of a processor. Returns how much it used."""
    process.start()
    used = 0.0
    while (now := cpu_seconds(process)) is not None:
        used = now
        if used >= seconds:
            process.kill()
        time.sleep(0.001)
    process.join()
    return used


def test_a_load_killed_anywhere_leaves_one_revision_whole_and_the_next_one_tidies_up(copied, built, children):
    both = {path: everything(path) for path in (built / "old" / "fasti.db", built / "new" / "fasti.db")}
    names = {found[0] for found in both.values()}
    assert len(names) == 2
    path, chance = database_of(copied), random.Random(1)
    turns = [newer(copied, built), copied]
    length = run_for(children.Process(target=load, args=(turns[0],)), 1_000)
    turns.reverse()
    ended = []
    for _ in range(KILLS):
        process = children.Process(target=load, args=(turns[0],))
        run_for(process, chance.uniform(0, length))
        ended.append((process.exitcode, bool(beside(copied))))
        # Which it is, it is to the last row; and it is served.
        found = everything(path)
        assert found in both.values()
        assert read(copied) == found[0]
        if stored_revision(copied) == read(settings_of(turns[0].seed_dir.parent, turns[0].seed_dir)):
            turns.reverse()
    # They did break off, most of them with something begun.
    assert sum(code == -9 for code, _ in ended) > KILLS // 2
    assert sum(left for _, left in ended) > KILLS // 4
    assert load(copied, force=True).changed
    assert beside(copied) == []


def test_what_killed_loads_left_is_removed_whatever_process_has_their_number_now(copied):
    path = database_of(copied)
    for number in (1, os.getpid()):
        (path.parent / f"{path.name}.{number}.new").write_bytes(b"cut")
        (path.parent / f"{path.name}.digests.{number}.new").write_bytes(b"cut")
        (path.parent / f".fasti-{number}-abc").mkdir()
        (path.parent / f".fasti-{number}-abc" / "staging").write_bytes(b"cut")
    load(copied, force=True)
    assert beside(copied) == []


def test_a_load_leaves_what_another_keeps_where_temporary_files_are(copied, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(database_of(copied).parent))
    # As a load into PostgreSQL does, which has no folder of its own.
    with staged(folders(copied.seed_dir)) as other:
        assert load(copied, force=True).changed
        assert other.staging.path.is_file()
    assert beside(copied) == []


def command(settings, *words, **how):
    """`fasti load` as a process of its own: its exit code, and what it says."""
    given = {"FASTI_DATABASE_URL": settings.database_url, "FASTI_SEED_DIR": str(settings.seed_dir)}
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "load", *words], cwd=ROOT, env=os.environ | given, stderr=subprocess.PIPE,
        text=True, **how,
    )  # fmt: skip
    return done.returncode, done.stderr.splitlines()


def refused(settings, built, what, **how):
    """A load that cannot write ends with one line that says why, and leaves the old revision and nothing else."""
    before = everything(database_of(settings))
    code, said = command(newer(settings, built), **how)
    complaints = [line for line in said if line.endswith("; nothing was changed.")]
    assert (code, complaints, "Traceback" in str(said)) == (1, said[-1:], False), said
    assert any(word in said[-1] for word in what), said
    assert everything(database_of(settings)) == before
    assert read(settings) == before[0]
    assert beside(settings) == []


@pytest.mark.parametrize("size", [4_000, 60_000, 200_000])
def test_a_load_that_may_not_write_more_bytes(copied, built, size):
    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    refused(copied, built, ("full", "I/O error", "too large"), preexec_fn=limited)
    assert load(newer(copied, built)).changed


@contextmanager
def mounted(folder, *options):
    folder.mkdir(exist_ok=True)
    if subprocess.run(["mount", *options, folder], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("spare", [20, 150, 400])
def test_a_load_onto_a_full_disk(tmp_path, built, spare):
    size = (built / "old" / "fasti.db").stat().st_size // 1024
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", f"size={size + spare}k", "tmpfs") as disk:
        shutil.copy(built / "old" / "fasti.db", disk)
        refused(settings_of(disk, built / "old" / "seed"), built, ("full", "No space left"))
        subprocess.run(["mount", "-o", "remount,size=100m", disk], check=True)
        assert load(newer(settings_of(disk, built / "old" / "seed"), built)).changed


def test_a_load_onto_a_disk_that_is_read_only(tmp_path, built):
    with mounted(tmp_path / "disk", "-t", "tmpfs", "tmpfs") as disk:
        settings = settings_of(disk, built / "old" / "seed")
        shutil.copy(built / "old" / "fasti.db", disk)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        refused(settings, built, ("Read-only file system",))
        # What is there already need not be written.
        assert load(settings).changed is False
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        assert load(newer(settings, built)).changed


def bound():
    """Let permissions bind even root: without CAP_DAC_OVERRIDE in its bounding set (PR_CAPBSET_DROP)."""
    ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)


def test_a_load_by_a_user_who_may_not_write(built):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in ("old", "new"):
            shutil.copytree(built / kind / "seed", folder / kind / "seed")
        (folder / "data").mkdir()
        shutil.copy(built / "old" / "fasti.db", folder / "data")
        for each in (folder / "data", folder):
            each.chmod(0o555)
        refused(settings_of(folder / "data", folder / "old" / "seed"), folder, ("Permission denied",), preexec_fn=bound)
        for each in (folder / "data", folder):
            each.chmod(0o755)
        assert load(settings_of(folder / "data", folder / "new" / "seed")).changed


def test_a_file_is_on_the_disk_before_it_has_its_place(copied, monkeypatch):
    path, done = database_of(copied), list[str]()
    fsync, replace = os.fsync, os.replace

    def synced(handle):
        done.append(Path(os.readlink(f"/proc/self/fd/{handle}")).name)
        fsync(handle)

    def replaced(source, target):
        with open(source, "rb") as file:
            assert seal.is_whole(file)
        done.append("in place")
        replace(source, target)

    monkeypatch.setattr("os.fsync", synced)
    monkeypatch.setattr("os.replace", replaced)
    load(copied, force=True)
    assert done == [f"{path.name}.{os.getpid()}.new", "in place", path.parent.name]


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 0.9999])
def test_a_file_that_a_power_cut_shortened_is_not_served_and_is_loaded_anew(copied, part):
    path = database_of(copied)
    os.truncate(path, int(path.stat().st_size * part))
    with pytest.raises(Problem, match="not as they were loaded"):
        read(copied)
    assert stored_revision(copied) is None
    assert load(copied).changed
    assert read(copied) == stored_revision(copied) is not None


@pytest.mark.parametrize(
    "damage",
    [
        "INSERT INTO policy (pk, type) VALUES (1000, 'of no record')",
        "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'term') "
        "WHERE name = 'stem'",
    ],
    ids=["a key that dangles", "a page that two tables have"],
)
def test_a_new_file_that_is_not_sound_takes_no_place(copied, built, monkeypatch, damage):
    def worse(target, _):
        target.connection.exec_driver_sql("PRAGMA writable_schema = ON")
        target.connection.exec_driver_sql(damage)

    before = everything(database_of(copied))
    monkeypatch.setattr("app.load._count", worse)
    with pytest.raises(RuntimeError, match="not sound"):
        load(newer(copied, built))
    assert everything(database_of(copied)) == before
    assert beside(copied) == []


def test_of_two_loads_the_second_waits_and_finds_it_done(copied, built):
    target = newer(copied, built)
    given = {"FASTI_DATABASE_URL": target.database_url, "FASTI_SEED_DIR": str(target.seed_dir)}
    # Of the same texts as what it is held against, whatever this run has at hand.
    inherited = {name: value for name, value in os.environ.items() if name != "FASTI_SOURCE_DIR"}
    handle = os.open(database_of(copied).parent, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "app.cli", "load"], cwd=ROOT, env=inherited | given, stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    for each in both:
        assert each.stderr is not None
        assert each.stderr.readline() == "Waiting for another load to end\n"
    assert stored_revision(copied) != stored_revision(settings_of(built / "new", target.seed_dir))
    os.close(handle)
    said = sorted(each.communicate()[1].splitlines()[-1].partition(" ")[2].partition(" ")[2] for each in both)
    assert ([each.returncode for each in both], said) == ([0, 0], ["is loaded.", "was loaded already."])
    assert everything(database_of(copied)) == everything(built / "new" / "fasti.db")
    assert beside(copied) == []


@pytest.mark.parametrize("step", ["Reading", "Numbering", "Finding the places in ides"])
@pytest.mark.parametrize("name", ["pack.yaml", "source.txt", "spans.json", "more.yaml"])
def test_a_pack_that_is_changed_while_it_is_read_is_not_loaded(copied, tmp_path, step, name):
    seed = packs(tmp_path / "seed", "\n# Another.\n")
    settings, before = settings_of(tmp_path, seed), everything(database_of(copied))
    steps = []

    def change(told, *_):
        steps.append(told)
        if told == step:
            with (seed / "ides" / name).open("a") as file:
                file.write("\n# It goes on.\n")

    with pytest.raises(PackError):
        load(settings, progress=change)
    assert (step in steps, "Writing" in steps) == (True, False)
    assert everything(database_of(copied)) == before
    (seed / "ides" / "more.yaml").unlink(missing_ok=True)
    for each in ("source.txt", "spans.json"):
        shutil.copy(ROOT / "tests" / "packs" / "ides" / each, seed / "ides")
    assert load(settings).changed
    assert beside(settings) == ["seed"]


# The road out

DAMAGE = {
    "cut short": lambda path: os.truncate(path, path.stat().st_size // 2),
    "cut by a byte": lambda path: os.truncate(path, path.stat().st_size - 1),
    "emptied": lambda path: os.truncate(path, 0),
    "continued": lambda path: overwrite(path, path.stat().st_size, b"more"),
    "another word": lambda path: forge(path),
    "another word, and no other time": lambda path: forge(path, keep_time=True),
    "no database": lambda path: path.write_bytes(b"no database" * 1_000),
    "noise": lambda path: overwrite(path, 8_192, random.Random(1).randbytes(path.stat().st_size - 9_000)),
}
"""What is done to a file in its place."""

AWAY = {
    "deleted": lambda path: path.unlink(),
    "replaced by no database": lambda path: replace(path, b"no database" * 1_000),
    "replaced by half": lambda path: replace(path, path.read_bytes()[: path.stat().st_size // 2]),
    "replaced by noise": lambda path: replace(path, b"\xff" * path.stat().st_size),
}
"""What takes a file out of its place, and leaves it as it is for who has it open."""


def overwrite(path, at, content):
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def forge(path, *, keep_time=False):
    """Let a document say something else: the file stays a sound database."""
    before, content = path.stat(), path.read_bytes()
    assert content.count(b"consul")
    overwrite(path, 0, content.replace(b"consul", b"tyrant"))
    if keep_time:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(path, content):
    aside = path.with_name("aside")
    aside.write_bytes(content)
    aside.replace(path)


@contextmanager
def asked(settings, **changes):
    """What asks an application in this process: it looks at the file when it answers, and else once in 1,000 s."""
    transport = httpx.ASGITransport(create_app(settings.model_copy(update={"refresh_seconds": 1_000, **changes})))
    client = httpx.AsyncClient(transport=transport, base_url="http://fasti.test")
    with start_blocking_portal() as portal:
        yield lambda url: portal.call(client.get, url)


def is_problem(answer):
    seen = answer.status_code, answer.headers["content-type"], answer.json()["type"]
    assert seen == (503, "application/problem+json", "/problems/unavailable")
    assert (answer.headers["retry-after"], answer.headers["cache-control"]) == ("1", "no-store")
    assert answer.json()["detail"].startswith("The data are not as they were loaded")
    return True


URLS = ["/v1/events", "/v1/records?fields=name", "/v1/search?q=consul", "/v1", "/v1/export"]


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("returns", ["in its place", "as another file"])
def test_a_file_that_is_changed_in_its_place_is_served_no_more_until_a_good_one_is_there(
    copied, built, damage, returns
):
    path, good = database_of(copied), built / "old" / "fasti.db"
    with asked(copied, cache_bytes=0) as ask:
        before = [ask(url).content for url in URLS]
        DAMAGE[damage](path)
        for url in URLS * 2:
            assert is_problem(ask(url))
        if returns == "in its place":
            shutil.copyfile(good, path)
        else:
            replace(path, good.read_bytes())
        assert [ask(url).content for url in URLS] == before


@pytest.mark.parametrize("away", AWAY)
def test_a_file_that_is_deleted_or_replaced_by_a_bad_one_stays_as_it_was(copied, built, away):
    path = database_of(copied)
    for looks in (0, 1_000):
        shutil.copy(built / "old" / "fasti.db", path)
        with asked(copied, cache_bytes=0, refresh_seconds=looks) as ask:
            before = [ask(url).content for url in URLS]
            AWAY[away](path)
            # A connection of its own, which an export takes, can no longer be opened.
            last = ask(URLS[-1])
            assert (last.status_code, last.headers["retry-after"]) == (503, "1")
            assert [ask(url).content for url in URLS[:-1]] == before[:-1]
            shutil.copy(built / "new" / "fasti.db", path)
            assert (ask("/v1").json()["revision"] == json.loads(before[3])["revision"]) == bool(looks)
        with asked(copied) as ask:
            assert ask("/v1").status_code == 200


def test_no_file_then_a_bad_one_then_a_good_one(copied, built):
    path = database_of(copied)
    path.unlink()
    with asked(copied) as ask:
        assert ask("/v1").json()["detail"].startswith("There is no data to serve")
        for damage in DAMAGE.values():
            replace(path, (built / "old" / "fasti.db").read_bytes())
            damage(path)
            assert is_problem(ask("/v1"))
        replace(path, (built / "new" / "fasti.db").read_bytes())
        assert ask("/v1").status_code == 200


def test_what_is_stored_is_given_no_more_once_the_file_is_known_to_be_bad(copied):
    with asked(copied) as ask:
        assert ask("/v1/events").content == ask("/v1/events").content
        forge(database_of(copied))
        # It was read when all was well, and is asked for within the time in which nobody looks.
        assert ask("/v1/events").status_code == 200
        assert is_problem(ask("/v1/people"))
        assert is_problem(ask("/v1/events"))
    with asked(copied, refresh_seconds=0) as ask:
        assert is_problem(ask("/v1/events"))


@pytest.mark.parametrize("steps", [50_000, 1])
@pytest.mark.parametrize("damage", DAMAGE)
def test_what_was_read_from_a_file_that_changed_meanwhile_is_not_told(copied, monkeypatch, damage, steps):
    monkeypatch.setattr("app.db.INLINE_STEPS", steps)
    monkeypatch.setattr("app.db.STEP", min(steps, 10_000))
    told = list[int]()

    def work(connection):
        first = connection.execute(text("SELECT count(*) FROM record")).scalar_one()
        if not told:
            DAMAGE[damage](database_of(copied))
        told.append(first)
        if len(told) > 1:
            raise AssertionError
        return connection.execute(text("SELECT document FROM record")).all()

    database = Database(copied)
    with pytest.raises(Problem, match="not as they were loaded"), start_blocking_portal() as portal:
        portal.call(database.read, work)
    database.close()


@pytest.mark.parametrize("wrong", [KeyError("no such id"), Problem("not-found", "There is no such record.")])
def test_what_is_missed_in_a_file_that_changed_is_not_told_either(copied, wrong):
    database = Database(copied)

    def work(_):
        forge(database_of(copied))
        raise wrong

    with pytest.raises(Problem, match="not as they were loaded"), start_blocking_portal() as portal:
        portal.call(database.read, work)
    database.close()


def test_a_long_answer_breaks_off_where_the_file_changes(copied):
    database, got = Database(copied), []

    def make(connection):
        for (document,) in connection.execute(text("SELECT document FROM record")):
            yield document.encode()

    async def take():
        async for piece in database.stream(make):
            got.append(piece)
            forge(database_of(copied))

    with pytest.raises(Problem), start_blocking_portal() as portal:
        portal.call(take)
    assert len(got) == 1
    database.close()


def test_an_export_breaks_off_where_the_file_changes(copied):
    database = Database(copied)
    pieces = database.pieces(lambda c: (row[0] for row in c.execute(text("SELECT document FROM record"))))
    next(pieces)
    forge(database_of(copied))
    with pytest.raises(Problem):
        next(pieces)
    database.close()


def rotten(path):
    """Noise where the records are, and a seal to it: nothing but SQLite's own reading tells."""
    connection = sqlite3.connect(path)
    [(page,)] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'passage'")
    [(size,)] = connection.execute("PRAGMA page_size")
    connection.close()
    overwrite(path, (page - 1) * size, b"\xff" * size)
    seal.put(path)


def test_what_sqlite_cannot_read_is_a_503_and_the_rest_is_served(copied):
    rotten(database_of(copied))
    with asked(copied) as ask:
        for _ in range(2):
            broken = ask("/v1/passages")
            assert (broken.status_code, broken.headers["retry-after"]) == (503, "1")
            assert broken.json()["type"] == "/problems/unavailable"
            assert ask("/v1/events").status_code == 200


def test_a_file_that_rots_without_a_trace_is_read_whole_as_soon_as_sqlite_stumbles(copied, monkeypatch):
    monkeypatch.setattr("app.seal.LARGE", 0)
    path, sealed = database_of(copied), database_of(copied).with_name("sealed")
    load(copied, force=True)
    with asked(copied) as ask:
        assert ask("/v1/events?limit=2").status_code == 200
        shutil.copy(path, sealed)
        rotten(sealed)
        # A disk that fails changes what is there, and no time.
        before = path.stat()
        overwrite(path, 0, sealed.read_bytes()[:-56])
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        monkeypatch.setattr("app.sqlite.Served.is_altered", lambda _: False)
        assert is_problem(ask("/v1/passages"))
        assert is_problem(ask("/v1/events?limit=2"))


def test_a_large_file_is_read_whole_unless_it_is_the_one_that_was_sealed(copied, monkeypatch):
    monkeypatch.setattr("app.seal.LARGE", 0)
    read_whole = []
    digest = seal._digest

    def noted(file, end):
        read_whole.append(end)
        return digest(file, end)

    monkeypatch.setattr("app.seal._digest", noted)

    def whole(path, **how):
        read_whole.clear()
        with path.open("rb") as file:
            return seal.is_whole(file, **how), len(read_whole)

    path = database_of(copied)
    load(copied, force=True)
    assert whole(path) == (True, 0)
    assert whole(path, thorough=True) == (True, 1)
    copy = Path(shutil.copy2(path, path.with_name("copy")))
    assert whole(copy) == (True, 1)
    os.utime(path)
    assert whole(path) == (True, 1)
    forge(path)
    assert whole(path) == (False, 1)
    monkeypatch.setattr("app.seal.LARGE", 10**9)
    load(copied, force=True)
    assert whole(path) == (True, 1)


def test_while_a_large_file_is_read_the_old_one_is_served_or_nothing(copied, built, monkeypatch):
    path, read_to_the_end, digest = database_of(copied), threading.Event(), seal._digest
    monkeypatch.setattr("app.db.PATIENCE", 0.01)

    def slow(file, end):
        assert read_to_the_end.wait(60)
        return digest(file, end)

    read_to_the_end.set()
    with asked(copied, cache_bytes=0, refresh_seconds=0) as ask:
        while (first := ask("/v1")).status_code == 503:
            pass
        monkeypatch.setattr("app.seal._digest", slow)
        read_to_the_end.clear()
        replace(path, (built / "new" / "fasti.db").read_bytes())
        assert [ask("/v1").content for _ in range(3)] == [first.content] * 3
        read_to_the_end.set()
        while (second := ask("/v1")).content == first.content:
            pass
        assert (second.status_code, second.json()["revision"]) == (200, read(newer(copied, built)))
        read_to_the_end.clear()
        shutil.copyfile(built / "old" / "fasti.db", path)
        assert [ask("/v1").status_code for _ in range(3)] == [503] * 3
        read_to_the_end.set()
        while (last := ask("/v1")).status_code == 503:
            pass
        assert last.content == first.content


# Over HTTP


def test_a_server_outlives_all_of_it(copied, built, monkeypatch):
    path, good = database_of(copied), (built / "old" / "fasti.db").read_bytes()
    for name, value in (("DATABASE_URL", copied.database_url), ("SEED_DIR", str(copied.seed_dir))):
        monkeypatch.setenv(f"FASTI_{name}", value)
    with serving("--no-load") as (process, address), httpx.Client(base_url=address) as client:

        def answers(url):
            """The status, and the body, which is that of the good file or of a problem."""
            answer = client.get(url)
            assert answer.status_code == 200 or is_problem(answer)
            return answer.status_code, answer.content

        before = {url: answers(url) for url in URLS}
        assert {status for status, _ in before.values()} == {200}
        assert opened_for_writing(process.pid, path) == [False] * len(opened_for_writing(process.pid, path)) != []
        for number, (name, damage) in enumerate((DAMAGE | AWAY).items()):
            damage(path)
            # What nobody asked yet is of no other file than it says, and at once.
            fresh = answers(f"/v1/events?limit={number + 1}")
            assert (fresh[0] == 503) == (name in DAMAGE), name
            replace(path, good)
            while answers("/v1")[0] == 503:
                time.sleep(0.01)
            assert {url: answers(url) for url in URLS} == before
        replace(path, (built / "new" / "fasti.db").read_bytes())
        while answers("/v1") == before["/v1"]:
            time.sleep(0.01)
        assert process.poll() is None


def opened_for_writing(process, path):
    """Of each time that a process has the file open, whether it could write to it."""
    found = []
    for each in Path(f"/proc/{process}/fd").iterdir():
        if os.path.realpath(each) == os.path.realpath(path):
            flags = Path(f"/proc/{process}/fdinfo/{each.name}").read_text().split("flags:\t")[1].split()[0]
            found.append(int(flags, 8) & (os.O_WRONLY | os.O_RDWR) != 0)
    return found
