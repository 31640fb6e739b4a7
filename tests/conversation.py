"""Raw bytes to real servers, in this process, so that a test can look into them."""

import asyncio
from contextlib import asynccontextmanager
from socket import create_server

import uvicorn

from app.caching import STORE, Store
from app.main import create_app

HOST = "Host: a.example"
LAST = "GET /v1/places?limit=1 HTTP/1.1", HOST, "Connection: close"


def request(*lines, body=""):
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


class Server(uvicorn.Server):
    """uvicorn over an application of its own, or over `app`, and the requests that were answered from memory."""

    port: int
    store: Store

    def __init__(self, settings, app=None, **options):
        how = {"log_level": "error", "timeout_graceful_shutdown": 5, "ws": "none", **options}
        super().__init__(uvicorn.Config(app or create_app(settings), **how))
        self.recalled = []

    async def startup(self, sockets=None):
        await super().startup(sockets)
        self.port = sockets[0].getsockname()[1]
        self.store = self.lifespan.state[STORE]
        recall = self.store.recall

        def noted(data):
            found = recall(data)
            self.recalled += [data] if found else []
            return found

        self.store.recall = noted  # type: ignore[method-assign]


@asynccontextmanager
async def serving(settings, **options):
    server = Server(settings, **options)
    # Without its handlers of signals, which are the tests'.
    task = asyncio.create_task(server._serve([create_server(("127.0.0.1", 0))]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield server
    finally:
        server.should_exit = True
        await task


async def talk(server, segments, last=True, read=-1, source="127.0.0.1"):
    """What comes back, up to the end of the connection or of so many bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, local_addr=(source, 0))
    try:
        for segment in [*segments, request(*LAST)] if last else segments:
            writer.write(segment)
            await writer.drain()
            await asyncio.sleep(0.004)
        return await reader.read(read)
    except ConnectionError:
        return await reader.read(read)
    finally:
        writer.close()
