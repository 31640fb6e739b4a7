"""The first baseline: no framework and no database, the same bytes and headers, from memory.

BENCH_ANSWERS names a file with a list of [path and query, headers, body], bytes as Latin-1.
"""

import json
import os
from pathlib import Path
from typing import Any

Scope = dict[str, Any]


def _messages(headers: list[list[str]], body: str) -> tuple[Scope, Scope]:
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return (
        {"type": "http.response.start", "status": 200, "headers": encoded},
        {"type": "http.response.body", "body": body.encode("latin-1")},
    )


ANSWERS = {
    target.encode(): _messages(headers, body)
    for target, headers, body in json.loads(Path(os.environ["BENCH_ANSWERS"]).read_text("utf-8"))
}


async def app(scope: Scope, _: Any, send: Any) -> None:
    start, body = ANSWERS[scope["raw_path"] + b"?" + scope["query_string"]]
    await send(start)
    await send(body)
