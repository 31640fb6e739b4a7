"""A door for agents (Model Context Protocol): a handful of read-only tools over the same queries as the API.

Needs the extra `fasti[mcp]`; `main` opens it at `/mcp` when the setting `mcp` says so.
"""

import functools
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy import Connection
from starlette.applications import Starlette

from app import __version__, params, queries
from app.answers import comparison, evidence, paths, search
from app.answers.graph import Wanted, d3
from app.db import Database
from app.errors import Problem
from app.params.search import SearchParams
from app.resources import EVENTS, RECORDS
from app.vocabulary import Causality, Kind

INSTRUCTIONS = (
    "A historical knowledge base in which every fact cites the words it rests on. Begin with `search`; ids lead on. "
    "`stance` and `attributed_to` tell what the source asserts from what somebody in it says, shows or wants; a "
    "`negative` polarity denies. Dates and figures have bounds: never sharpen them. Name the source when you answer."
)
READ_ONLY = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
Tool = TypeVar("Tool", bound=Callable[..., Awaitable[dict[str, Any]]])
RecordId = Annotated[str, Field(description="A record's id, such as `mao-zedong`.", max_length=80)]


def door(database: Database) -> Starlette:
    """The tools at `/mcp`, over the revision that the database serves: routes, and a lifespan to be run with them."""
    made = MCPServer("fasti", title="Fasti", instructions=INSTRUCTIONS, version=__version__)
    tools = _Tools(database)
    for tool in (tools.search, tools.get_record, tools.get_evidence, tools.list_events, tools.compare_estimates,
                 tools.find_paths):  # fmt: skip
        made.tool(annotations=READ_ONLY, structured_output=False)(_told(tool))
    # Whoever asks may read, so a foreign Host or Origin gains nothing.
    return made.streamable_http_app(
        stateless_http=True, json_response=True,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )  # fmt: skip


def _told(tool: Tool) -> Tool:
    """The tool, telling an agent what is wrong in the words of the API."""

    @functools.wraps(tool)
    async def told(*given: Any, **named: Any) -> dict[str, Any]:
        try:
            return await tool(*given, **named)
        except Problem as problem:
            raise ToolError(problem.body.detail) from problem
        except ValidationError as error:
            raise ToolError("; ".join(f"{each['loc'][0]}: {each['msg']}" for each in error.errors())) from error

    return told  # type: ignore[return-value]


class _Tools:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def _answer(self, work: Callable[[Connection], BaseModel]) -> dict[str, Any]:
        return (await self.database.read(work)).model_dump(mode="json")

    async def search(
        self,
        q: Annotated[str, Field(description='Words that must all occur; "quoted" ones together.')],
        kind: Annotated[list[Kind] | None, Field(description="Only these kinds.")] = None,
        limit: Annotated[int, Field(ge=1, le=50, description="How many at most.")] = 10,
    ) -> dict[str, Any]:
        """Find records, relations and passages by words, with what matched and where it is cited."""
        given = SearchParams.model_validate({"q": q, "kind": kind or [], "limit": limit})
        body = await self.database.read(lambda c: search.search(c, q, given.plan(), _link("search", q=q)))
        found: dict[str, Any] = json.loads(body.content)
        return found | {"next": body.cursor}

    async def get_record(self, id: RecordId) -> dict[str, Any]:
        """A record of any kind, with its relations and the citations of both."""
        wanted = ["relations", "citations"]
        found: dict[str, Any] = json.loads(await self.database.read(lambda c: queries.one(c, RECORDS, id, [], wanted)))
        return found

    async def get_evidence(self, id: RecordId) -> dict[str, Any]:
        """Everything that the sources say about a record: who says it, in which stance, in which words."""
        return await self._answer(lambda c: evidence.evidence(c, id, "code_points", []))

    async def list_events(
        self,
        first: Annotated[str | None, Field(description="From this year, month, day or decade on, in EDTF.")] = None,
        last: Annotated[str | None, Field(description="Up to the end of this one.")] = None,
        match: Annotated[params.Span, Field(description="How an uncertain date counts.")] = "stated",
        person: Annotated[list[str] | None, Field(description="Tied to one of these people, by id.")] = None,
        limit: Annotated[int, Field(ge=1, le=200, description="How many at most.")] = 20,
    ) -> dict[str, Any]:
        """Events in order of time. Undated ones are in no span: leave `first` and `last` out for them too."""
        given = params.EventParams.model_validate(
            {"from": first, "to": last, "match": match, "person": person or [], "limit": limit, "total": True}
        )
        planned = params.plan(EVENTS, given)
        body = await self.database.read(lambda c: queries.page(c, EVENTS, planned, {}))
        found: dict[str, Any] = json.loads(body.content)
        return found

    async def compare_estimates(
        self, measure: Annotated[list[str], Field(description="What is counted, such as `deaths`.")]
    ) -> dict[str, Any]:
        """Estimates side by side: who says so, the envelope, whether they agree. Nothing is added up."""
        given = params.CompareParams.model_validate({"measure": measure})
        return await self._answer(lambda c: comparison.compare(c, params.comparison_plan(given)))

    async def find_paths(
        self,
        start: RecordId,
        end: RecordId,
        causality: Annotated[list[Causality] | None, Field(description="Only along causes of this sort.")] = None,
    ) -> dict[str, Any]:
        """The shortest paths between two records; each is as strong as its weakest link, and no stronger."""
        wanted = Wanted(causality=causality or [])
        drawn = await self.database.read(lambda c: paths.paths(c, (start, end), 4, 3, False, wanted))
        found: dict[str, Any] = json.loads(d3(drawn))
        return found


def _link(name: str, **given: str) -> Callable[[dict[str, str]], str]:
    return lambda changed: f"/v1/{name}?{urlencode(given | changed)}"
