"""Faults of the data on SQLite: a load that breaks off changes nothing, and a file that is not what a load wrote is not
served. What is promised stands in docs/operations.md, under Data."""

import ctypes
import fcntl
import multiprocessing
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from app import seal
from app.db import Database
from app.errors import Problem
from app.load import load, stored_revision
from app.pack import PackError
from app.settings import ROOT, Settings

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
    assert sum(code == -9 for code, _ in ended) > KILLS * 3 // 4
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
        for each in ("old", "new"):
            shutil.copytree(built / each / "seed", folder / each / "seed")
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


def test_of_two_loads_the_second_waits_and_finds_it_done(copied, built):
    target = newer(copied, built)
    given = {"FASTI_DATABASE_URL": target.database_url, "FASTI_SEED_DIR": str(target.seed_dir)}
    handle = os.open(database_of(copied).parent, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "app.cli", "load"], cwd=ROOT, env=os.environ | given, stderr=subprocess.PIPE,
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
