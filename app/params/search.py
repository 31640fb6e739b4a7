"""The query strings of search and of suggestions."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field
from pydantic.json_schema import SkipJsonSchema

from app import analysis, index
from app.answers.search import MAX_HITS, SearchKind, first_cursor
from app.params import DEFAULT_LIMIT, DateParams, Ids, Kinds, Stances, many, maybe, span_of, split
from app.selection import Plan


def _with_words(value: str) -> str:
    analysis.parse(value)
    return value


Sought = Annotated[str, Field(max_length=analysis.MAX_LENGTH), AfterValidator(_with_words)]


class SearchParams(DateParams):
    q: Sought = Field(
        description="What to look for. All words must occur, in any inflection and whatever their case, accents and "
        "quotes. A last word that occurs nowhere is taken to be unfinished: it stands for names with a word that "
        f"begins so and, from {index.SHORTEST} letters on, for the {index.COMPLETED} most frequent words that do. "
        "Words in “quotation marks” must stand together, in this order and form. Everything else is passed over. At "
        f"most {analysis.MAX_WORDS} words.",
        examples=["famine"],
    )
    kind: Annotated[list[SearchKind], BeforeValidator(split)] = many(
        "Only these kinds of record, `relation` or `passage`.", "event"
    )
    source: Ids = many("Of, or resting on, one of these sources.", "hartnett-great-leap-forward")
    section: Ids = many("In, or resting on, one of these sections of a source.", "no-lessons-learned")
    stance: Stances = many("How it is said; several mean any of them. Passages have none.", "asserted")
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_HITS, description="How many items a page has.", examples=[5])
    cursor: Annotated[str, Field(max_length=2000)] | SkipJsonSchema[None] = maybe(
        "Where the page starts: taken from `next`, never made up.", first_cursor("famine")
    )
    total: bool = Field(False, description="Say in `total` how many match.", examples=[True])

    def plan(self) -> Plan:
        filters = {name: value for name in ("kind", "source", "section", "stance") if (value := getattr(self, name))}
        span = span_of(self.from_, self.to)
        return Plan(filters, [], self.limit, self.cursor, self.total, span=span, match=self.match, dated=self.dated)


class SuggestParams(BaseModel):
    q: Sought = Field(description="The beginning of a name, or of any words of it.", examples=["Liu Sha"])
    kind: Kinds = many("Only these kinds.", "person")
    limit: int = Field(10, ge=1, le=20, description="How many at most.", examples=[5])
