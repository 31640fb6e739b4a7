"""What a curator may write in a pack: plain Pydantic models, one per entry.

The models also make `seed/pack.schema.json`, which gives an editor completion and inline help.
"""

from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from app import dates
from app.vocabulary import Causality, EstimateType, Polarity, Predicate, QuoteForm, Stance

SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"
TYPE_WORD = r"^[a-z]+(_[a-z]+)*$"
MAX_WORDS = 12

Slug = Annotated[str, Field(pattern=SLUG, max_length=80, description="Readable: lower-case words and hyphens.")]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Label = Annotated[str, Field(min_length=1, max_length=200)]
TypeWord = Annotated[str, Field(pattern=TYPE_WORD, max_length=40, description="A word of your choice.")]


class Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Cite(Entry):
    """A place in a source, named by words of it: one phrase, or where the span starts and ends."""

    phrase: Label | None = Field(None, description="The words themselves, at most 12 and never a whole sentence.")
    starts: Label | None = Field(None, description="The first words of a longer span.")
    ends: Label | None = Field(None, description="The last words of a longer span.")
    occurrence: int | None = Field(None, ge=1, le=1000, description="Which one, when the words occur more than once.")
    source: Slug | None = Field(None, description="The source's id; may be left out where the pack has one source.")

    @model_validator(mode="after")
    def one_form(self) -> "Cite":
        if (self.phrase is None) == (self.starts is None) or (self.starts is None) != (self.ends is None):
            raise ValueError("a citation is either one phrase, or both `starts` and `ends`")
        if max(len(part.split()) for part in (self.phrase, self.starts, self.ends) if part) > MAX_WORDS:
            raise ValueError(f"the fragment has more than {MAX_WORDS} words: use fewer, or `starts` and `ends`")
        return self

    @property
    def fragment(self) -> str:
        """The words a reader looks for; a longer span is shown with an ellipsis between its ends."""
        return self.phrase or f"{self.starts} … {self.ends}"


def _phrase(value: Any) -> Any:
    return {"phrase": value} if isinstance(value, str) else value


Cites = Annotated[
    list[Annotated[Cite, BeforeValidator(_phrase)]],
    Field(min_length=1, description="The places that this rests on: a phrase, or `{starts: …, ends: …}`."),
]


class Date(Entry):
    """When: the source's words, and their EDTF rendering where they allow one."""

    text: Label = Field(description="The words of the source, such as `by 1961`.")
    edtf: str | None = Field(None, max_length=64, description="EDTF (ISO 8601-2); left out when no date is given.")
    not_before: str | None = Field(None, max_length=64, description="Terminus post quem of an unknown start.")
    not_after: str | None = Field(None, max_length=64, description="Terminus ante quem of an unknown end.")
    onset: bool = Field(False, description="The date is that of the beginning alone: the words give no end.")
    relative_to: Slug | None = Field(None, description="The record that the words count from.")

    def span(self) -> dates.Span | None:
        """The four bounds; None where the words give no date. Raises DateError."""
        if self.edtf is None:
            return None
        return _span(self.edtf, self.not_before, self.not_after, self.onset)


@lru_cache(100_000)
def _span(edtf: str, not_before: str | None, not_after: str | None, onset: bool) -> dates.Span:
    return dates.parse(edtf, not_before=not_before, not_after=not_after, onset=onset)


class Alias(Entry):
    name: Label
    in_source: bool = Field(description="Whether the text has this name. If it has, `cite` it.")
    cite: Cites | None = None

    @model_validator(mode="after")
    def cited_if_claimed(self) -> "Alias":
        if self.in_source != (self.cite is not None):
            raise ValueError("an alias is cited exactly when it is in the source")
        return self


class Claim(Entry):
    """Who says so, on every record and relation."""

    stance: Stance = "asserted"
    attributed_to: Slug | None = Field(None, description="The record that says it; null where nobody is named.")
    polarity: Polarity = "positive"
    cite: Cites


class RecordEntry(Claim):
    id: Slug
    name: Label = Field(description="As the text gives it, or a descriptive label.")
    summary: Text = Field(description="In our own words; never a sentence of the source.")
    aliases: list[Alias] = Field(default_factory=list)


class EventEntry(RecordEntry):
    type: TypeWord
    date: Date | None = None


class PersonEntry(RecordEntry):
    name_known: bool = Field(True, description="False when the text leaves the person unnamed.")
    description: Label | None = Field(None, description="What the text calls the person, in a few words.")


class PolicyEntry(RecordEntry):
    type: TypeWord
    date: Date | None = None


class EstimateEntry(RecordEntry):
    type: EstimateType
    measure: TypeWord = Field(description="What is counted: `deaths`, `steel_output`.")
    subject: Slug = Field(description="The event, policy or other record that the figure is about.")
    place: Slug | None = None
    low: float | None = Field(None, allow_inf_nan=False)
    high: float | None = Field(None, allow_inf_nan=False)
    value: float | None = Field(None, allow_inf_nan=False, description="One figure as given; never computed.")
    unit: TypeWord | None = None
    approximate: bool = False
    hedge: Label | None = Field(None, description="The hedging words, such as `between` or `one of the`.")
    duration: str | None = Field(
        None, min_length=3, pattern=r"^P(\d+Y)?(\d+M)?(\d+W)?(\d+D)?$", description="ISO 8601 length."
    )
    date: Date | None = None

    @field_validator("id")
    @classmethod
    def not_a_path(cls, value: str) -> str:
        if value == "compare":
            raise ValueError("`/v1/estimates/compare` is something else: choose another id")
        return value

    @model_validator(mode="after")
    def in_order(self) -> "EstimateEntry":
        figures = [figure for figure in (self.low, self.value, self.high) if figure is not None]
        if figures != sorted(figures):
            raise ValueError("low ≤ value ≤ high does not hold")
        return self


class OrganizationEntry(RecordEntry):
    type: TypeWord
    name_known: bool = Field(True, description="False when the name is a label of ours.")


class PlaceEntry(RecordEntry):
    type: TypeWord


class QuoteEntry(RecordEntry):
    text: Label = Field(description="The quoted words exactly, with the source's own elision.")
    form: QuoteForm = Field("direct", description="`reported` when the source does not put it in quotation marks.")
    speaker: Slug | None = Field(None, description="Null where the text names nobody.")
    about: list[Slug] = Field(default_factory=list)
    date: Date | None = None


class SourceEntry(RecordEntry):
    type: TypeWord
    title: Label | None = None
    author: Label | None = None
    affiliation: Label | None = None
    publisher: Label | None = None
    series: Label | None = None
    language: str = Field("en", pattern=r"^[a-z]{2,3}$")
    licence: Label = Field(description="What may be done with the text itself.")
    text: str = Field(
        "source.txt",
        pattern=r"^[\w.-]+\.txt$",
        description="The text's file name, in the pack's folder or in FASTI_SOURCE_DIR.",
    )
    headings: list[Label] = Field(default_factory=list, description="Lines of the text that open a section.")


class RelationEntry(Claim):
    id: str | None = Field(None, pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*$", max_length=250)
    subject: Slug
    predicate: Predicate
    object: Slug
    role: Label | None = Field(None, description="The office, or the part played, in a few words.")
    note: Text | None = Field(None, description="What is stated, in our own words.")
    date: Date | None = None
    causality: Causality | None = Field(None, description="For causes only: `explicit` (stated) or `implied`.")

    @property
    def key(self) -> str:
        """The relation's id: `subject.predicate.object`, unless the pack names one."""
        return self.id or f"{self.subject}.{self.predicate}.{self.object}"


class PackEntry(Entry):
    id: Slug
    title: Label
    description: Text
    licence: Label = Field(description="Of the records, which are in our own words.")
    licence_url: str | None = None
    citation: Text = Field(description="How to cite this knowledge base.")


class PackFile(BaseModel):
    """Any YAML file of a pack: a pack may be cut into files as its curator likes."""

    model_config = ConfigDict(extra="forbid", title="Fasti pack")

    pack: PackEntry | None = None
    sources: list[SourceEntry] = Field(default_factory=list)
    people: list[PersonEntry] = Field(default_factory=list)
    organizations: list[OrganizationEntry] = Field(default_factory=list)
    places: list[PlaceEntry] = Field(default_factory=list)
    policies: list[PolicyEntry] = Field(default_factory=list)
    events: list[EventEntry] = Field(default_factory=list)
    estimates: list[EstimateEntry] = Field(default_factory=list)
    quotes: list[QuoteEntry] = Field(default_factory=list)
    relations: list[RelationEntry] = Field(default_factory=list)
