"""The query strings: what may stand in them, and how they become a plan. Nobody else reads them."""

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from app import dates
from app.answers.evidence import Units
from app.answers.graph import Direction, Wanted
from app.answers.paths import MAX_DEPTH
from app.answers.timeline import MAX_BUCKETS
from app.dates import Size
from app.errors import Fault, perhaps, wrong
from app.packfile import SLUG, TYPE_WORD
from app.resources import ESTIMATES, EVENTS, POLICIES, QUOTES, Resource
from app.selection import Plan
from app.vocabulary import Causality, EstimateType, Kind, Polarity, Predicate, QuoteForm, Stance

DEFAULT_LIMIT, MAX_LIMIT = 20, 200
MAX_VALUES = 50


def split(values: Any) -> Any:
    """`a,b` means the same as the parameter given twice."""
    return [part for value in values for part in str(value).split(",")] if isinstance(values, list) else values


def _day(value: str) -> str:
    dates.parse_day_range(value)
    return value


Id = Annotated[str, Field(pattern=SLUG, max_length=80)]
LongId = Annotated[str, Field(pattern=r"^[a-z0-9]+([._-]+[a-z0-9]+)*$", max_length=300)]
KEY = "^[a-z0-9_]+$"
TypeWord = Annotated[str, Field(pattern=TYPE_WORD, max_length=40)]
Day = Annotated[str, Field(max_length=dates.MAX_LENGTH), AfterValidator(_day)]
Amount = Annotated[float, Field(ge=-(2**53 - 1), le=2**53 - 1, allow_inf_nan=False)]


FORMS = {
    TYPE_WORD: ("a word: small letters and underscores", "_"),
    KEY: ("the name of a key: small letters, digits and underscores", "_"),
}
ID_FORM = "an id: small letters, digits and hyphens, as /v1/suggest?q=… finds it", "-"


def malformed(name: str, given: str, pattern: str) -> Fault:
    """What is wrong with a value that is not of its form, and the same in that form."""
    form, between = FORMS.get(pattern, ID_FORM)
    whole = given.partition(".")[0] if pattern == KEY else given
    near = re.sub("[^a-z0-9]+", between, whole[:100].lower()).strip(between)
    meant = near if re.fullmatch(pattern, near) else None
    detail = f"{given[:100]!r} is not of the form of {form}{perhaps(meant)}"
    return Fault(parameter=name, detail=detail, nearest=meant)


def many(description: str, *examples: str) -> Any:
    # A tuple, since Pydantic would copy a list for every field of every request.
    return Field(default=(), max_length=MAX_VALUES, description=description, examples=[[each] for each in examples])


def maybe(description: str, example: Any, **bounds: Any) -> Any:
    return Field(default=None, description=description, examples=[example], **bounds)


Ids = Annotated[list[Id], BeforeValidator(split)]
LongIds = Annotated[list[LongId], BeforeValidator(split)]
Words = Annotated[list[TypeWord], BeforeValidator(split)]
Fields = Annotated[list[Annotated[str, Field(pattern=KEY, max_length=40)]], BeforeValidator(split)]
RecordInclude = Annotated[list[Literal["records", "relations", "citations"]], BeforeValidator(split)]
INCLUDE = (
    "Add under `included`: the related `records`, the `relations`, and the `citations` of the items (and, together "
    "with `relations`, those of the relations)."
)
RecordFormat = Literal["json", "csv", "ndjson", "jsonld", "csl", "bibtex", "ris"]
FORMAT = (
    "The form of the answer, as an `Accept` header may ask for it too. `csv` and `ndjson` give the whole list unless "
    "`limit` is set; `jsonld` is linked data; `csl` (CSL-JSON), `bibtex` and `ris` are references, a list's first one "
    "being the query itself. Only `json` takes `include`, `facets` and `total`; it, `csv` and `ndjson` take `fields`."
)
Stances = Annotated[list[Stance], BeforeValidator(split)]
Polarities = Annotated[list[Polarity], BeforeValidator(split)]
Predicates = Annotated[list[Predicate], BeforeValidator(split)]
Causalities = Annotated[list[Causality], BeforeValidator(split)]
Kinds = Annotated[list[Kind], BeforeValidator(split)]
EstimateTypes = Annotated[list[EstimateType], BeforeValidator(split)]
Span = Literal["stated", "possible", "certain"]


class Params(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    fields: Fields = many("Keep only these keys of each item; repeat it or use commas.", "id")
    format: RecordFormat | SkipJsonSchema[None] = maybe(FORMAT, "csv")


class ListParams(Params):
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="How many items a page has.", examples=[5])
    cursor: Annotated[str, Field(max_length=2000)] | SkipJsonSchema[None] = Field(
        None, description="Where the page starts: taken from `next`, never made up."
    )
    facets: Fields = many(
        "Count what the list has, by these; each value comes with the URL that applies it.", "section"
    )
    total: bool = Field(False, description="Count all that match; this costs a query of its own.", examples=[True])


class SpanParams(BaseModel):
    from_: Day | SkipJsonSchema[None] = maybe(
        "From this day, month, year or decade on (EDTF: `1960`, `1966-06`, `-0043`).", "1957", alias="from"
    )
    to: Day | SkipJsonSchema[None] = maybe("Up to the end of this day, month, year or decade.", "1962")
    match: Span = Field(
        "stated",
        description="How `from` and `to` count an uncertain date. `stated`: the span as the source states it overlaps "
        "(`by 1961` stands in 1961). `possible`: it may overlap, given its bounds (`by 1961` may lie in 1950). "
        "`certain`: it lies inside in any case. Where an end is unknown (`1959/`, say of an office) only the "
        "beginning is stated, so ask with `possible` who may have held it later. "
        "Undated items never match a span; ask for them with `dated=false`.",
        examples=["possible"],
    )


class DateParams(SpanParams):
    dated: bool | SkipJsonSchema[None] = maybe("Only dated (`true`) or only undated (`false`) items.", True)


class SaidParams(BaseModel):
    stance: Stances = many("How it is said; several mean any of them.", "asserted")
    polarity: Polarities = many("`negative`: what the source denies.", "positive")
    attributed_to: Ids = many("Said by one of these records.", "mao-zedong")
    attributed: bool | SkipJsonSchema[None] = maybe("Whether the source names who says it.", False)
    source: Ids = many("Resting on one of these sources.", "hartnett-great-leap-forward")
    section: Ids = many("Resting on one of these sections of a source.", "no-lessons-learned")


class ClaimParams(ListParams, SaidParams):
    pass


class RecordParams(ClaimParams):
    id: Ids = many("These records only.", "mao-zedong")
    include: RecordInclude = many(INCLUDE, "relations")


Person = Annotated[Ids, many("Tied by a relation to one of these people.", "mao-zedong")]
Organization = Annotated[Ids, many("Tied by a relation to one of these organizations.", "chinese-communist-party")]
Place = Annotated[Ids, many("Tied by a relation to one of these places.", "china")]
Policy = Annotated[Ids, many("Tied by a relation to one of these policies.", "great-leap-forward")]
Event = Annotated[Ids, many("Tied by a relation to one of these events.", "great-leap-forward-campaign")]
ROLE = "Tied by a relation with one of these predicates; with `person`, `place` and the like, to one of those."
DATED_SORT = "Sort keys, the first decides; `-` turns a key round, what is unknown comes last either way."
Sorts = Annotated[list[Literal["start", "-start", "end", "-end", "name", "-name", "id", "-id"]], BeforeValidator(split)]
NameSorts = Annotated[list[Literal["name", "-name", "id", "-id"]], BeforeValidator(split)]


class Tied(BaseModel):
    predicate: Predicates = many(ROLE, "participated_in")


class EventParams(RecordParams, DateParams, Tied):
    type: Words = many("What sort of event.", "announcement")
    person: Person
    organization: Organization
    place: Place
    policy: Policy
    event: Event
    sort: Sorts = many(DATED_SORT, "-start")


class PersonParams(RecordParams, Tied):
    name_known: bool | SkipJsonSchema[None] = maybe("Whether the source names the person.", True)
    organization: Organization
    event: Event
    policy: Policy
    place: Place
    sort: NameSorts = many(DATED_SORT, "-name")


class PolicyParams(RecordParams, DateParams, Tied):
    type: Words = many("What sort of policy.", "plan")
    initiator: Ids = many("Initiated or announced by one of these records.", "mao-zedong")
    person: Person
    organization: Organization
    place: Place
    event: Event
    sort: Sorts = many(DATED_SORT, "-start")


class EstimateParams(RecordParams, DateParams):
    type: EstimateTypes = many("A count, a target, a superlative or a ratio.", "estimate")
    measure: Words = many("What is counted.", "deaths")
    unit: Words = many("What one of it is.", "persons")
    subject: Ids = many("About one of these records.", "great-leap-famine")
    place: Ids = many("In one of these places.", "china")
    min: Amount | SkipJsonSchema[None] = maybe("At least this much.", 5000000)
    max: Amount | SkipJsonSchema[None] = maybe("At most this much.", 45000000)
    amount_match: Literal["possible", "certain"] = Field(
        "possible",
        description="`possible`: the range may reach into it; `certain`: it lies inside.",
        examples=["certain"],
    )
    sort: Annotated[
        list[Literal["start", "-start", "end", "-end", "name", "-name", "id", "-id", "low", "-low", "high", "-high",
                     "value", "-value"]], BeforeValidator(split)
    ] = many(DATED_SORT, "-high")  # fmt: skip


class OrganizationParams(RecordParams, Tied):
    type: Words = many("What sort of organization or group.", "party")
    name_known: bool | SkipJsonSchema[None] = maybe("Whether the source names it.", True)
    person: Person
    event: Event
    policy: Policy
    place: Place
    sort: NameSorts = many(DATED_SORT, "-name")


class PlaceParams(RecordParams, Tied):
    type: Words = many("What sort of place.", "country")
    event: Event
    person: Person
    organization: Organization
    sort: NameSorts = many(DATED_SORT, "-name")


class QuoteParams(RecordParams, DateParams):
    form: Annotated[list[QuoteForm], BeforeValidator(split)] = many("Quoted directly, or reported.", "direct")
    speaker: Ids = many("Said by one of these records.", "mao-zedong")
    about: Ids = many("About one of these records.", "liu-shaoqi")
    sort: Sorts = many(DATED_SORT, "-start")


class SourceParams(RecordParams):
    type: Words = many("What sort of text.", "article")
    sort: NameSorts = many(DATED_SORT, "-name")


class AnyRecordParams(RecordParams, DateParams, Tied):
    kind: Kinds = many("Only these kinds.", "event")
    record: Ids = many("Tied by a relation to one of these records.", "mao-zedong")
    sort: Sorts = many(DATED_SORT, "-name")


class RelationParams(ClaimParams, DateParams):
    id: LongIds = many("These relations only.")
    subject: Ids = many("Said of one of these records.", "mao-zedong")
    object: Ids = many("With one of these records as its object.", "chinese-communist-party")
    record: Ids = many("With one of these records at either end.", "liu-shaoqi")
    predicate: Predicates = many("What is said.", "held_office")
    causality: Causalities = many("For causes: stated in the text, or implied by it.", "explicit")
    include: Annotated[list[Literal["records", "citations"]], BeforeValidator(split)] = many(
        "Add both ends as `records`, and `citations`, under `included`.", "records"
    )
    sort: Annotated[
        list[Literal["start", "-start", "end", "-end", "predicate", "-predicate", "id", "-id"]], BeforeValidator(split)
    ] = many(DATED_SORT, "predicate")


class CitationParams(ListParams):
    id: LongIds = many("These citations only.")
    record: Ids = many("Supporting one of these records.", "mao-zedong")
    relation: LongIds = many("Supporting one of these relations.", "mao-zedong.announced.great-leap-forward")
    source: Ids = many("In one of these sources.", "hartnett-great-leap-forward")
    section: Ids = many("In one of these sections.", "no-lessons-learned")
    passage: LongIds = many("In one of these passages.", "hartnett-great-leap-forward-p2")
    status: Annotated[list[Literal["verified", "unverified"]], BeforeValidator(split)] = many(
        "Whether the span was checked against the text.", "unverified"
    )
    include: Annotated[list[Literal["records", "relations"]], BeforeValidator(split)] = many(
        "Add what is supported, under `included`.", "records"
    )
    sort: Annotated[list[Literal["start", "-start", "id", "-id"]], BeforeValidator(split)] = many(DATED_SORT, "-start")


class PassageParams(ListParams):
    section: Ids = many("In one of these sections.", "no-lessons-learned")
    record: Ids = many("With a citation of one of these records.", "liu-shaoqi")
    include: Annotated[list[Literal["citations"]], BeforeValidator(split)] = many("Add `citations`.", "citations")
    sort: Annotated[list[Literal["start", "-start", "id", "-id"]], BeforeValidator(split)] = many(DATED_SORT, "-start")


class AnyPassageParams(PassageParams):
    id: LongIds = many("These passages only.", "hartnett-great-leap-forward-p2")
    source: Ids = many("Of one of these sources.", "hartnett-great-leap-forward")


class RecordDetailParams(Params):
    include: RecordInclude = many(INCLUDE, "relations")


class EvidenceParams(BaseModel):
    stance: Stances = many("Only what is said so; several mean any of them.", "attributed")
    units: Units = Field(
        "code_points",
        description="What offsets count: Unicode code points, or UTF-16 code units as JavaScript does.",
        examples=["utf16"],
    )


class RelationDetailParams(Params):
    include: Annotated[list[Literal["records", "citations"]], BeforeValidator(split)] = many(
        "Add both ends as `records`, and `citations`.", "records"
    )


class CitationDetailParams(Params):
    include: Annotated[list[Literal["records", "relations"]], BeforeValidator(split)] = many(
        "Add what is supported.", "records"
    )


class PassageDetailParams(Params):
    include: Annotated[list[Literal["citations"]], BeforeValidator(split)] = many("Add `citations`.", "citations")


class WalkParams(BaseModel):
    predicate: Predicates = many("Only along relations with one of these predicates.", "caused")
    causality: Causalities = many("Only along causes: stated in the text, or implied by it.", "explicit")
    stance: Stances = many("Only along relations that are said so.", "asserted")
    format: Literal["json", "cytoscape"] = Field(
        "json",
        description="`json` has `nodes` and `links`, for D3; `cytoscape` has `elements`, for Cytoscape.js.",
        examples=["cytoscape"],
    )


class NeighborParams(WalkParams):
    depth: int = Field(1, ge=1, le=4, description="How many relations to follow, one after the other.", examples=[2])
    direction: Direction = Field(
        "any",
        description="`out` follows relations from subject to object, `in` from object to subject, `any` both ways.",
        examples=["out"],
    )
    polarity: Polarities = many("Only along these; `negative`: what the source denies.", "positive")
    kind: Kinds = many("Only to records of these kinds, and on from them.", "event")
    limit: int = Field(100, ge=1, le=500, description="How many records to find besides this one.", examples=[20])


class PathParams(WalkParams):
    from_: Id = Field(description="The id of the record to begin at.", examples=["great-leap-failures"], alias="from")
    to: Id = Field(description="The id of the record to come to.", examples=["party-split"])
    max_depth: int = Field(4, ge=1, le=MAX_DEPTH, description="The most links a path may have.", examples=[6])
    direction: Literal["any", "forward"] = Field(
        "any",
        description="`forward` goes from subject to object only: from cause to effect, from before to after.",
        examples=["forward"],
    )
    limit: int = Field(3, ge=1, le=10, description="How many of the shortest paths to give.", examples=[5])


def wanted(given: NeighborParams | PathParams) -> Wanted:
    """Which relations a walk takes."""
    if isinstance(given, PathParams):
        return Wanted(given.predicate, given.causality, given.stance)
    return Wanted(given.predicate, given.causality, given.stance, given.polarity, given.kind)


class TimelineParams(SpanParams, SaidParams, Tied):
    kind: Literal["event", "policy", "estimate", "quote"] = Field(
        "event", description="What is counted: one of the kinds that have a date.", examples=["policy"]
    )
    bucket: Size | SkipJsonSchema[None] = maybe(
        f"How long a bucket is; the finest that makes at most {MAX_BUCKETS} of them unless you say.", "decade"
    )
    type: Words = many("What sort of event or policy.", "campaign")
    person: Person
    organization: Organization
    place: Place
    policy: Policy
    event: Event
    limit: int = Field(
        DEFAULT_LIMIT,
        ge=1,
        le=MAX_LIMIT,
        description="How many slides `timelinejs` gets; buckets count all.",
        examples=[5],
    )
    format: Literal["json", "timelinejs"] = Field(
        "json",
        description="`json` has buckets; `timelinejs` has a slide for each dated record, for TimelineJS 3.",
        examples=["timelinejs"],
    )


TIMELINES = {resource.kind: resource for resource in (EVENTS, POLICIES, ESTIMATES, QUOTES)}


def timeline_plan(given: TimelineParams) -> tuple[Resource, Plan]:
    """The list whose records are put in time, and what selects them. A filter that the list lacks is refused."""
    resource = TIMELINES[given.kind]
    # What sort an estimate is has its own, closed words.
    known = resource.filters.keys() - ({"type"} if resource is ESTIMATES else set())
    known |= {"predicate"} if "person" in known else set()
    offered = {name for each in TIMELINES.values() for name in (*each.filters, "predicate")}
    faults = [
        Fault(parameter=name, detail=f"{resource.name} have no such filter here", nearest=None)
        for name in TimelineParams.model_fields
        if name in offered - known and getattr(given, name)
    ]
    if faults:
        raise wrong(*faults)
    return resource, Plan(
        _filters(resource, given), [resource.default_sort], given.limit, span=span_of(given.from_, given.to),
        match=given.match, predicate=[*given.predicate],
    )  # fmt: skip


class CompareParams(BaseModel):
    measure: Words = Field(
        min_length=1, max_length=MAX_VALUES, description="What is counted; several to see what may not be compared.",
        examples=[["deaths"]],
    )  # fmt: skip
    type: EstimateTypes = many("A count, a target, a superlative or a ratio.", "estimate")
    subject: Ids = many("About one of these records.", "great-leap-famine")
    place: Ids = many("In one of these places.", "china")
    stance: Stances = many("How it is said; several mean any of them.", "attributed")
    attributed_to: Ids = many("Said by one of these records.", "scholars")


def comparison_plan(given: CompareParams) -> Plan:
    """What selects the estimates that are compared."""
    return Plan(_filters(ESTIMATES, given), ["id"], MAX_LIMIT)


class ExportParams(BaseModel):
    format: Literal["ndjson", "datapackage"] | SkipJsonSchema[None] = maybe(
        "`ndjson` (unless the `Accept` header likes the other better): the dataset's line, then a line for every "
        "record, relation, passage and citation, with `table` saying which. `datapackage`: a Frictionless Data "
        "Package, a zip of CSV files with their schema.",
        "datapackage",
    )


def plan(resource: Resource, given: Any) -> Plan:
    """A list's parameters as a plan; `given` is one of the classes above."""
    # A list has some of these only, and a dict says so sooner than a model does.
    asked = vars(given)
    keys = [key.lstrip("-") for key in given.sort]
    # A key that comes a second time decides nothing.
    sort = [key for i, key in enumerate(given.sort) if key.lstrip("-") not in keys[:i]]
    return Plan(
        _filters(resource, given), sort or [resource.default_sort],
        given.limit, given.cursor, given.total, given.fields, given.include,
        span_of(asked.get("from_"), asked.get("to")),
        asked.get("match", "stated"), asked.get("dated"), asked.get("predicate", ()), given.facets,
        _amounts(asked.get("min"), asked.get("max")), asked.get("amount_match", "possible"),
    )  # fmt: skip


def _filters(resource: Resource, given: Any) -> dict[str, list[Any]]:
    filters: dict[str, list[Any]] = {}
    asked = vars(given)
    for name in resource.filters:
        value = asked.get(name)
        if value not in (None, [], ()):
            filters[name] = value if isinstance(value, list) else [value]
    return filters


def span_of(first: str | None, last: str | None) -> tuple[int | None, int | None]:
    begin = None if first is None else dates.parse_day_range(first)[0]
    end = None if last is None else dates.parse_day_range(last)[1]
    if begin is not None and end is not None and begin > end:
        raise wrong(Fault(parameter="to", detail=f"{last!r} ends before `from` ({first!r}) begins", nearest=None))
    return begin, end


def _amounts(least: float | None, most: float | None) -> tuple[float | None, float | None]:
    if least is not None and most is not None and least > most:
        raise wrong(Fault(parameter="max", detail=f"{most:.15g} is less than `min` ({least:.15g})", nearest=None))
    return least, most


def keys_of(wire: Any) -> set[str]:
    """The keys that `fields` may name."""
    members = get_args(get_args(wire)[0]) if get_args(wire) else (wire,)
    return {name for member in members for name in member.model_fields}
