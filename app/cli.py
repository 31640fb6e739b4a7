"""The command `fasti`."""

import asyncio
import json
import os
import resource
import sqlite3
import sys
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from pathlib import Path
from socket import AF_UNIX, socket
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal

import typer
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from app import curation, logs, pack
from app.curation import Staged
from app.db import Database
from app.errors import Problem
from app.settings import Settings

if TYPE_CHECKING:
    from uvicorn import Config

ExportFormat = Literal["ndjson", "datapackage"]
WIDTH = 40
FILES = 300
"""How many a server may have open besides the connections of its clients: its data, and those it refuses."""

GRACE_SECONDS = 20
BEGIN_SECONDS = 60
"""How long a worker may take to begin, or to say that it lives; on a busy machine uvicorn's five are too few."""

cli = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)


@cli.callback()
def fasti() -> None:
    """A historical knowledge base in which every fact cites the words it rests on.

    Packs of YAML live under seed/. `check` tells what is wrong with them, `cite` finds their places in the
    sources' texts, `load` builds the database, `serve` serves it.
    """


def say(message: str) -> None:
    typer.echo(message, err=True)


class Steps:
    """How far a command is: a bar where somebody watches, and otherwise a line a step, if it is `told` at all."""

    def __init__(self, *, told: bool = True) -> None:
        self.watched, self.told, self.step, self.shown = sys.stderr.isatty(), told, "", -1

    def __call__(self, step: str, done: int, of: int) -> None:
        if step != self.step:
            self.end()
            self.step, self.shown = step, -1
            if self.told and not self.watched:
                say(step)
        share = 100 * done // of if of else 0
        if self.watched and share != self.shown:
            self.shown = share
            bar = f"[{'#' * (share * WIDTH // 100):{WIDTH}}] {share:3} %" if of else "…"
            typer.echo(f"\r{step:24} {bar}", nl=False, err=True)

    def end(self) -> None:
        """Leave the bar as it stands."""
        if self.watched and self.step:
            typer.echo(err=True)
        self.step = ""


@contextmanager
def complaining() -> Iterator[None]:
    """A broken pack ends the command with every complaint and exit code 1; so does what the machine refuses."""
    try:
        yield
    except (OSError, sqlite3.Error, SQLAlchemyError, BrokenExecutor) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        say(f"{' '.join(str(cause).split())}; nothing was changed.")
        raise typer.Exit(1) from None
    except pack.PackError as error:
        for complaint in error.complaints:
            say(str(complaint))
        number = len(error.complaints)
        more = ", and more, which were not looked for" * error.more
        say(f"{number} thing{'s' * (number > 1)} to put right{more}; nothing was changed.")
        raise typer.Exit(1) from None


def _folders(settings: Settings, chosen: list[Path] | None) -> list[Path]:
    found = chosen or pack.folders(settings.seed_dir)
    if missing := [str(folder) for folder in found if not folder.is_dir()]:
        say(f"There is no folder {', '.join(missing)}.")
        raise typer.Exit(2)
    return found


Chosen = Annotated[list[Path] | None, typer.Argument(help="Pack folders; all packs below seed/ when left out.")]


@cli.command()
def check(folders: Chosen = None) -> None:
    """Validate packs: ids, dates, figures, citations, and spans against the texts where these are at hand."""
    settings = Settings()
    with (
        complaining(),
        curation.staged(_folders(settings, folders), settings.source_dir, progress=Steps(told=False)) as found,
    ):
        for each in found.packs:
            _report(each)


def _report(read: Staged) -> None:
    counts = ", ".join(f"{number} {kind}" for kind, number in read.counts.items())
    typer.echo(f"{read.about.id}: {counts}")
    verified = "verified against the text" if read.held == read.sources else "UNVERIFIED: the text is not at hand"
    cited = read.sentences - len(read.uncited)
    typer.echo(f"  {read.spans} spans {verified}; {cited} of {read.sentences} sentences cited")


@cli.command()
def cite(folders: Chosen = None) -> None:
    """Find each citation's place in the source texts and write spans.json beside the pack.

    A pack whose text is not at hand keeps the places it has.
    """
    settings = Settings()
    with complaining():
        for folder in _folders(settings, folders):
            found = curation.cite(folder, settings.source_dir, Steps(told=False))
            _report(found)
            for complaint in found.uncited:
                say(str(complaint))


@cli.command()
def load(force: Annotated[bool, typer.Option(help="Build anew even when nothing has changed.")] = False) -> None:
    """Build the database from the packs; a server that is running turns to it by itself."""
    from app.load import load as build  # Alembic takes a third of a second to import, and `serve` rarely needs it.

    with complaining():
        loaded = build(Settings(), force=force, progress=Steps())
    say(f"Revision {loaded.revision}" + (" is loaded." if loaded.changed else " was loaded already."))


@cli.command()
def serve(
    host: Annotated[str, typer.Option(envvar="HOST", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="PORT", min=0, max=65535, help="The port to listen at.")] = 8000,
    workers: Annotated[int, typer.Option(envvar="WORKERS", min=1, help="How many processes serve.")] = 1,
    build: Annotated[bool, typer.Option("--load/--no-load", help="First bring the data up to date.")] = True,
) -> None:
    """Serve the API, after bringing the database up to date with the packs.

    A listening socket that is handed over (systemd's LISTEN_FDS) is used instead of HOST and PORT. SIGTERM ends the
    server when all that it was asked is answered; SIGHUP has several workers begun anew, one after the other.
    """
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    if build:
        load()
    settings = Settings()
    # What is answered before it is parsed would be neither logged nor counted.
    watched = settings.access_log or settings.metrics
    config = uvicorn.Config(
        "app.main:create_app", factory=True, workers=workers, host=host, port=port,
        http="app.limits:LimitedProtocol" if watched else "app.protocol:RememberingProtocol", ws="none",
        limit_concurrency=_connections(settings), timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_worker_healthcheck=BEGIN_SECONDS,
        log_config=logs.configuration(settings.log), log_level="error", access_log=False, server_header=False,
    )  # fmt: skip
    listening = _listening(config)
    if workers == 1:
        uvicorn.Server(config).run(sockets=[listening])
        return
    with TemporaryDirectory() as counts:
        if settings.metrics:
            # Whichever worker is asked, it answers for all of them.
            os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", counts)
        # It begins a worker anew that dies, and ends them all when it is told to.
        Multiprocess(config, sockets=[listening]).run()


def _connections(settings: Settings) -> int:
    """How many clients a process may have, which needs as many open files."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return settings.connections if most == resource.RLIM_INFINITY else max(1, min(settings.connections, most - FILES))


def _listening(config: "Config") -> socket:
    """The socket that the server was handed over, or else a new one; and a word of where it is."""
    if os.environ.get("LISTEN_PID") == str(os.getpid()) and os.environ.get("LISTEN_FDS"):
        found = socket(fileno=3)
    else:
        # Bound first, so that nobody is told of an address that is somebody else's.
        found = config.bind_socket()
    where = found.getsockname()
    if found.family == AF_UNIX:
        say(f"Fasti is at {where}.")
        return found
    here = f"http://{config.host}:{where[1]}"
    say(f"Fasti is at {here}: try it out at {here}/docs\n  curl '{here}/v1/events?from=1960&to=1960'\nCtrl-C stops it.")
    return found


@cli.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    from app.main import create_app

    typer.echo(json.dumps(create_app(Settings()).openapi(), indent=1, ensure_ascii=False))


@cli.command()
def examples() -> None:
    """Ask for the answers that the documentation shows, of the packs without their texts, and write them down."""
    from app.examples import FILE, asked
    from app.load import load as build
    from app.main import create_app

    with TemporaryDirectory() as folder:
        full, empty = (
            Settings(database_url=f"sqlite:///{folder}/{name}", source_dir=None) for name in ("full", "empty")
        )
        build(full)
        app = create_app(full)
        found = asyncio.run(asked(app, create_app(empty), app.openapi()))
    FILE.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")


@cli.command()
def schema() -> None:
    """Print the JSON Schema of pack files, which seed/pack.schema.json holds for editors."""
    typer.echo(pack.schema(), nl=False)


@cli.command()
def export(
    format: Annotated[ExportFormat, typer.Option(help="One line a document, or a zip of CSV files.")] = "ndjson",
    output: Annotated[Path | None, typer.Option(help="The file to write; standard output when left out.")] = None,
    build: Annotated[bool, typer.Option("--load/--no-load", help="First bring the data up to date.")] = True,
) -> None:
    """Write the whole dataset: the same bytes as /v1/export gives."""
    if build:
        load()
    if output is None:
        _write(format, sys.stdout.buffer)
        return
    # Beside it, then into its place: what stands there is whole at any moment.
    aside = output.with_name(output.name + ".new")
    try:
        with aside.open("wb") as file:
            _write(format, file)
        aside.replace(output)
    finally:
        aside.unlink(missing_ok=True)


def _write(format: str, file: BinaryIO) -> None:
    from app.export import FORMATS

    database = Database(Settings())
    try:
        for piece in database.pieces(FORMATS[format]):
            file.write(piece)
    except Problem as problem:
        say(problem.body.detail)
        raise typer.Exit(1) from None
    finally:
        database.close()


def main() -> None:
    """The entry point of `fasti`."""
    cli()


if __name__ == "__main__":
    main()
