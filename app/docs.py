"""The documentation: OpenAPI as it is sent, Swagger UI and ReDoc from the installation."""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, get_args, get_origin, get_type_hints

import fastapi_offline
from anyio import to_thread
from fastapi import FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.params import Query
from fastapi.routing import APIRoute
from starlette.responses import HTMLResponse, JSONResponse, Response

from app import __version__, examples, resources, schemas
from app.answers import neighbors, paths, slides
from app.errors import MEDIA_TYPE, PROBLEMS, ProblemBody, ProblemName
from app.formats import BY_MEDIA_TYPE, JSON, NDJSON, SHAPES, Format
from app.pages import Files, page
from app.params import keys_of
from app.queries import first_cursor
from app.resources import Resource
from app.vocabulary import PREDICATES, STANCES

TITLE = "Fasti"
DESCRIPTION = f"""
**In a minute:** open *events* below, then `GET /v1/events`; write `1960` into `from` and into `to`, and press
*Execute*: what the sources place in 1960. Set `match` to `possible` for all that may lie there. Add `mao-zedong` under
`person` for what he had to do with, and `citations` under `include` for the places in the text. Who is who, and under
which id, tells `GET /v1/records`. [What is loaded, its licence and how to cite it](/v1).

**Reading an answer**
- `stance` is how a thing is said: {"; ".join(f"*{name}*, {meaning}" for name, meaning in STANCES.items())}.
  `attributed_to` is who says it. A `negative` polarity denies it.
- A `date` has the source's words, EDTF, and four bounds. A bound that the source does not set is null.
- Lists have `items`, `next` (a full URL or null) and `revision`; `total=true` counts. A repeated parameter means *or*,
  different ones *and*. `fields` drops keys; `include` adds related things under `included`.
- Errors are `application/problem+json` (RFC 9457): what is wrong, where, what is allowed and what comes nearest. Their
  types: {"; ".join(f"[{name}](/problems/{name}), {status}" for name, (status, _) in PROBLEMS.items())}.
"""
TAGS = {
    "overview": "What this knowledge base is.",
    "search": "Words, found wherever they stand.",
    "events": "What happened, is said to have happened, or was shown.",
    "people": "People, with their offices.",
    "policies": "Plans, campaigns and doctrines.",
    "estimates": "Figures, as ranges and with whoever gives them.",
    "organizations": "Organizations, groups and other actors of many.",
    "places": "Places.",
    "quotes": "Quoted and reported words.",
    "sources": "The texts that the facts were read from.",
    "records": "All eight kinds at once; ids are unique over all of them.",
    "relations": "What one record has to do with another, in one of a closed set of predicates.",
    "graph": "The records as a network: what surrounds one, and what leads from one to another.",
    "timeline": "How much there is when, and slides for TimelineJS.",
    "citations": "Spans of a source, counted in Unicode code points.",
    "passages": "Paragraphs of a source. Where the text may not be shipped, `text` is null.",
    "export": "Leaving with everything.",
}
PREDICATE_LIST = "\n\nThe predicates, subject to object:\n" + "".join(
    f"\n- `{name}`: {term.meaning}" for name, term in PREDICATES.items()
)
# What asks comes first on the page, what only shapes the answer last.
SHAPING = ["sort", "include", "facets", "fields", "format", "limit", "cursor", "total"]
COMMON = ["predicate", "causality", "id", "stance", "attributed_to", "attributed", "polarity", "source", "section"]
# By their names in the document.
REFUSALS = {"BadRequest": "400", "NotFound": "404", "NotAcceptable": "406", "UriTooLong": "414",
            "Invalid": "422", "Unavailable": "503"}  # fmt: skip
ASSETS = Path(fastapi_offline.__file__).parent / "static"


def install(app: FastAPI, routes: Mapping[str, APIRoute]) -> None:
    """Give the app its OpenAPI document and the two pages that show it."""

    @app.get("/problems/{name}", include_in_schema=False)
    async def problem(name: ProblemName) -> dict[str, Any]:
        status, title = PROBLEMS[name]
        return {"type": f"/problems/{name}", "title": title, "status": status}

    @app.get("/static/redoc.standalone.js", include_in_schema=False)
    async def redoc_script() -> Response:
        return Response(_redoc(), media_type="text/javascript")

    app.mount("/static", Files(ASSETS), name="static")

    @app.get("/docs", include_in_schema=False)
    async def swagger_ui() -> HTMLResponse:
        shown = get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=TITLE,
            swagger_js_url="/static/swagger-ui-bundle.js",
            swagger_css_url="/static/swagger-ui.css",
            swagger_favicon_url="/static/favicon.png",
            swagger_ui_parameters={"docExpansion": "none", "defaultModelsExpandDepth": 0, "tryItOutEnabled": True},
        )
        # A column that is always empty, and that a narrow page has no room for.
        style = b"<style>.swagger-ui .response-col_links { display: none }</style></head>"
        return page(bytes(shown.body).replace(b"</head>", style))

    @app.get("/redoc", include_in_schema=False)
    async def redoc() -> HTMLResponse:
        shown = get_redoc_html(
            openapi_url="/openapi.json",
            title=TITLE,
            redoc_js_url="/static/redoc.standalone.js",
            redoc_favicon_url="/static/favicon.png",
            with_google_fonts=False,
        )
        return page(bytes(shown.body), styled=True)

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> JSONResponse:
        # It takes as long to make as a thousand answers, and a start does not wait for it.
        return JSONResponse(await to_thread.run_sync(app.openapi))

    app.openapi = lambda: document(app)  # type: ignore[method-assign]
    app.state.parameters = {route.name: _parameters(route) for route in routes.values()}
    app.state.formats = {route.name: _formats(route) for route in routes.values()}
    app.state.lists = {path.split("/")[2] for path in routes if path.count("/") > 1}
    app.state.below = {path.rpartition("/")[2]: path for path in routes if "{id}/" in path}


def _parameters(route: APIRoute) -> dict[str, bool]:
    """A route's parameters in the document's order, and whether each may be given several times."""
    hints = get_type_hints(route.endpoint, include_extras=True).values()
    models = [get_args(hint)[0] for hint in hints if any(isinstance(each, Query) for each in get_args(hint))]
    fields = {field.alias or name: field for model in models for name, field in model.model_fields.items()}
    ranked = sorted(fields, key=lambda name: _rank({"name": name, "required": fields[name].is_required()}))
    return {name: get_origin(fields[name].annotation) is list for name in ranked}


def _formats(route: APIRoute) -> list[Format]:
    default = [] if route.response_model is None else [JSON.media_type]
    return [BY_MEDIA_TYPE[each] for each in dict.fromkeys([*default, *route.responses[200]["content"]])]


@cache
def _redoc() -> str:
    """ReDoc's script; its footer's logo, which it would fetch from another host, is one that is here."""
    script = (ASSETS / "redoc.standalone.js").read_text("utf-8")
    return re.sub(r"https://cdn\.[^\"]*\.svg", "/static/favicon.png", script)


_MAKING = Lock()


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, made once, whoever asks meanwhile: FastAPI makes no two of them at the same time."""
    with _MAKING:
        if app.openapi_schema is None:
            app.openapi_schema = _made(app)
    return app.openapi_schema


def _made(app: FastAPI) -> dict[str, Any]:
    body = get_openapi(
        title=TITLE,
        version=__version__,
        summary="A historical knowledge base in which every fact cites the words it rests on.",
        description=DESCRIPTION,
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in TAGS.items()],
        servers=[{"url": "/", "description": "This server"}],
        license_info={"name": "CC BY 4.0 (the records)", "url": "https://creativecommons.org/licenses/by/4.0/"},
    )
    body["security"] = []
    parts = body["components"]["schemas"]
    also = (schemas.Sparse, neighbors.CytoscapeGraph, paths.CytoscapePaths, slides.TimelineJS)
    for model in (ProblemBody, *also):
        made = model.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
        parts |= made.pop("$defs", {})
        parts[made["title"]] = made
    parts |= SHAPES
    for name in ("HTTPValidationError", "ValidationError"):
        parts.pop(name, None)
    for name in examples.SHAPED.keys() & examples.KEPT.keys():
        parts[name] = parts[name] | {"examples": [examples.KEPT[name]]}
    for part in parts.values():
        if "properties" in part:
            part["properties"] = schemas.in_reading_order(part["properties"])
    shown = {f"/v1/{resource.name}{tail}": resource for resource in resources.ALL for tail in ("", "/{id}")}
    shown["/v1/sources/{id}/passages"] = resources.PASSAGES
    for path, item in body["paths"].items():
        operation = item["get"]
        for parameter in operation.setdefault("parameters", []):
            _explain(parameter, shown.get(path), {"source": [resources.SOURCES.example]} if "/{id}/" in path else {})
        operation["parameters"].sort(key=_rank)
        _answered(path, operation)
    body["components"]["responses"] = {name: _refusal(status) for name, status in REFUSALS.items()}
    body["paths"]["/v1/relations"]["get"]["description"] += PREDICATE_LIST
    return body


def _answered(path: str, operation: dict[str, Any]) -> None:
    """Show the real answer to a request, and refer to the problems, which are everyone's."""
    responses = operation["responses"]
    for media_type, content in responses["200"]["content"].items():
        if (name := examples.name(operation, media_type)) in examples.KEPT:
            verb = "begins" if media_type == NDJSON.media_type else "is"
            told = f"The example {verb} the answer to `{examples.target(path, operation)}`."
            responses["200"]["description"] = f"Found. {told}"
            content["example"] = examples.KEPT[name]
    if "cursor" not in {each["name"] for each in operation["parameters"]}:
        del responses["200"]["headers"]["Link"]
    for refusal, status in REFUSALS.items():
        # A list answers an unknown id in its filters with 422.
        if status != "404" or "{id}" in path:
            responses[status] = {"$ref": f"#/components/responses/{refusal}"}
    operation["responses"] = dict(sorted(responses.items()))


def _refusal(status: str) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Problem"}}
    if status in examples.KEPT:
        content["example"] = examples.KEPT[status]
    first, *others = (title for code, title in PROBLEMS.values() if str(code) == status)
    titles = [first, *(f"{title[:1].lower()}{title[1:]}" for title in others)]
    return {"description": f"{', or '.join(titles)}.", "content": {MEDIA_TYPE: content}}


def _rank(parameter: dict[str, Any]) -> int:
    name = parameter["name"]
    if parameter["required"]:
        return -1
    return SHAPING.index(name) + 100 if name in SHAPING else COMMON.index(name) + 50 if name in COMMON else 0


def _explain(parameter: dict[str, Any], resource: Resource | None, fixed: dict[str, list[Any]]) -> None:
    """Give a parameter an example that runs, where Swagger UI shows it; the path has `fixed` some filters."""
    schema, name = parameter["schema"], parameter["name"]
    if parameter["required"]:
        # Swagger UI fills in `example`, and passes over the schema's `examples`.
        parameter["example"] = schema["examples"][0]
    if parameter["in"] == "path":
        return
    if resource is not None and name == "fields":
        schema["items"] = {"type": "string", "enum": sorted(keys_of(resource.wire))}
    if resource is not None and name == "facets":
        schema["items"] = {"type": "string", "enum": resource.facets}
        schema["examples"] = [[resource.facets[-1]]]
    if resource is not None and name == "id":
        schema["examples"] = [[resource.example]]
    if resource is not None and name == "sort":
        parameter["description"] += f" Without it: `{resource.default_sort}`."
    if resource is not None and name in resource.examples:
        schema["examples"] = [[resource.examples[name]]] if schema["type"] == "array" else [resource.examples[name]]
    if resource is not None and name == "cursor":
        schema["examples"] = [first_cursor(resource, fixed)]
        return
    if "items" in schema and schema.get("examples"):
        # What Swagger UI writes into a new line of a list.
        schema["items"]["examples"] = schema["examples"][0]
    for example in schema.get("examples", []):
        value = example[0] if isinstance(example, list) else json.dumps(example).strip('"')
        parameter["description"] += f" Example: `{value}`."
