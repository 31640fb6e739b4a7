"""Problems (RFC 9457): every answer that is not a success, as a client reads it."""

import logging
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

log = logging.getLogger("fasti")
MEDIA_TYPE = "application/problem+json"
SLIP, NEAR = 0.7, 60
"""How alike two words are for the one to be meant by the other: the share of letters that need not be changed, or else
what they have in common in per cent."""
ProblemName = Literal[
    "bad-request",
    "invalid-request",
    "invalid-parameter",
    "not-found",
    "method-not-allowed",
    "not-acceptable",
    "too-slow",
    "content-too-large",
    "uri-too-long",
    "headers-too-large",
    "misdirected",
    "unavailable",
    "internal",
]
PROBLEMS: dict[ProblemName, tuple[int, str]] = {
    "bad-request": (400, "The request breaks HTTP"),
    "invalid-request": (422, "The request is malformed"),
    "invalid-parameter": (422, "A parameter is wrong"),
    "not-found": (404, "There is nothing here"),
    "method-not-allowed": (405, "This API is read with GET"),
    "not-acceptable": (406, "No acceptable format"),
    "too-slow": (408, "The request did not come in time"),
    "content-too-large": (413, "The body is too large"),
    "uri-too-long": (414, "The URL is too long"),
    "headers-too-large": (431, "The headers are too large"),
    "misdirected": (421, "This server does not answer to that name"),
    "unavailable": (503, "The data cannot be read at the moment"),
    "internal": (500, "Something failed inside"),
}


class Fault(BaseModel):
    """One faulty parameter."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    parameter: str = Field(description="The parameter's name.", examples=["stance"])
    detail: str = Field(description="What is wrong with it, and what is allowed.", examples=["'assert' is not allowed"])
    nearest: str | None = Field(None, description="The allowed value or name most like yours.", examples=["asserted"])


class ProblemBody(BaseModel):
    """An error as RFC 9457 problem details."""

    model_config = ConfigDict(title="Problem", json_schema_serialization_defaults_required=True)

    type: str = Field(description="A stable name of the kind of problem.", examples=["/problems/invalid-parameter"])
    title: str = Field(description="The same in words.", examples=["A parameter is wrong"])
    status: int = Field(description="The HTTP status.", examples=[422])
    detail: str = Field(description="What happened this time, and what to do.", examples=["One parameter is wrong."])
    errors: list[Fault] = Field([], description="One entry per faulty parameter.")
    found_at: str | None = Field(None, description="Where the id is that was asked for in the wrong place.")


class Problem(Exception):
    """Raised anywhere on the road out; `main` turns it into its response."""

    def __init__(
        self, name: ProblemName, detail: str, *, errors: Iterable[Fault] = (), found_at: str | None = None
    ) -> None:
        super().__init__(detail)
        self.status, title = PROBLEMS[name]
        self.headers: dict[str, str] = {"cache-control": "no-store"}
        if name == "unavailable":
            self.headers["retry-after"] = "1"
        self.body = ProblemBody(
            type=f"/problems/{name}", title=title, status=self.status, detail=detail,
            errors=list(errors), found_at=found_at,
        )  # fmt: skip


def unreadable(error: Exception | None, *, late: bool = False) -> Problem:
    """The problem of a query that failed, or came `late`."""
    if late:
        return Problem("unavailable", "The query could not be finished in the time it may take.")
    log.error("the data cannot be read", exc_info=error)
    return Problem("unavailable", "The data cannot be read at the moment.")


def wrong(*faults: Fault) -> Problem:
    """The problem of a request with these faults, of which the first twenty are told."""
    number = "One parameter is" if len(faults) == 1 else f"{len(faults)} parameters are"
    told = faults[:20]
    detail = f"{number} wrong: {'; '.join(f'{fault.parameter}: {fault.detail}' for fault in told)}"
    return Problem("invalid-parameter", detail, errors=told)


def perhaps(meant: str | None) -> str:
    """What a detail ends with where something like it was perhaps meant."""
    return f"; did you mean {meant!r}?" if meant else ""


def nearest(word: str, allowed: Iterable[Any]) -> str | None:
    """The allowed word most like `word`, or None where none is near: by a slip of the fingers, or by its letters."""
    given, words = word[:100], [str(each) for each in allowed]
    slip = process.extractOne(given, words, scorer=OSA.normalized_similarity, score_cutoff=SLIP)
    found = slip or process.extractOne(given, words, scorer=fuzz.ratio, score_cutoff=NEAR)
    return found[0] if found else None
