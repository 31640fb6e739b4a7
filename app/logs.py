"""Logs: lines for people, or JSON for what collects them; a line that belongs to a request has its id."""

import json
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from math import inf
from secrets import token_hex
from types import TracebackType
from typing import Any, Literal

from starlette.types import Scope

REQUEST: ContextVar[Scope | None] = ContextVar("request", default=None)
"""The request that is being answered, in the event loop and in the threads that work for it."""

_ID = "fasti.id"
_TAKEN = re.compile(rb"[\w.+/=:-]{1,128}")


def request_id(scope: Scope) -> str:
    """The id of a request: the one that a proxy gave it in X-Request-ID, or a new one."""
    if _ID not in scope:
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        scope[_ID] = given.decode() if _TAKEN.fullmatch(given) else token_hex(8)
    found: str = scope[_ID]
    return found


class Sparing(logging.Filter):
    """A warning or an error that comes again within a second is told once: what fails a thousand times a second would
    fill a disk, and hold up the server where nobody reads. The next one says how many were left out."""

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[tuple[object, ...], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        # By what is said, and what failed where, not by what it is said of, so that these are few.
        raised, _, failed = record.exc_info or (None, None, None)
        key = record.msg, raised, _place(failed)
        last, left_out = self.told.get(key, (-inf, 0))
        if record.created - last < 1:
            self.told[key] = last, left_out + 1
            return False
        self.told[key] = record.created, 0
        if left_out:
            record.__dict__["left_out"] = left_out
        return True


def _place(failed: TracebackType | None) -> tuple[str, int]:
    """The file and the line where something was raised."""
    place = "", 0
    while failed is not None:
        place, failed = (failed.tb_frame.f_code.co_filename, failed.tb_lineno), failed.tb_next
    return place


class Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        told = " ".join(f"{name}={value}" for name, value in _fields(record).items())
        return f"{record.levelname}: {super().format(record)}" + (f" [{told}]" if told else "")


class Json(logging.Formatter):
    """One JSON object a line, however many lines the error in it has."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """What a line has besides its message; `fields` are given with `extra`."""
    scope = REQUEST.get()
    told = {"request_id": request_id(scope)} if scope is not None else {}
    left_out = {"left_out": number} if (number := getattr(record, "left_out", 0)) else {}
    return told | left_out | getattr(record, "fields", {})


def configuration(form: Literal["plain", "json"]) -> dict[str, Any]:
    """What `logging.config.dictConfig` takes: everything goes to standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"()": Plain}, "json": {"()": Json}},
        "filters": {"sparing": {"()": Sparing}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": form,
                "filters": ["sparing"],
                "stream": "ext://sys.stderr",
            }
        },
        "loggers": {
            "fasti": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
            # It would warn of every request that breaks HTTP, and whoever sends them could fill a disk.
            "uvicorn": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
        },
    }
