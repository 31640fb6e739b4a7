"""What goes over the wire. Every field is always there; what is unknown is null.

`load` renders each row with these classes once. The bytes that a client gets are the bytes that stood here.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from app.vocabulary import Causality, EstimateType, Kind, Polarity, Predicate, QuoteForm, Stance


class Wire(BaseModel):
    """No field below has a default but those that `include` adds, so that every other is required."""


LEADING = ("items", "id", "kind", "name", "title", "type", "summary", "subject", "predicate", "object", "date")
TRAILING = ("aliases", "stance", "attributed_to", "polarity", "citation_count", "relation_count", "links", "included")


def in_reading_order(body: dict[str, Any]) -> dict[str, Any]:
    """The same keys as a reader wants them: what it is, what is said, then who says so and where to go on."""
    order = {key: place for place, key in enumerate(LEADING)} | {key: 100 + i for i, key in enumerate(TRAILING)}
    return dict(sorted(body.items(), key=lambda item: order.get(item[0], 50)))


def said(description: str, example: Any = None) -> Any:
    return Field(description=description, examples=None if example is None else [example])


def plain(value: float) -> float:
    """15000000 and not 15000000.0: a count is read as one."""
    return int(value) if value.is_integer() else value


Figure = Annotated[float, PlainSerializer(plain, return_type=int | float), WithJsonSchema({"type": "number"})]


class Ref(Wire):
    """Another record, with enough to show it."""

    id: str = said("Its id.", "mao-zedong")
    kind: Kind = said("Its kind.", "person")
    name: str = said("Its name.", "Mao Zedong")
    url: str = said("Where it is.", "/v1/people/mao-zedong")


class Bounds(Wire):
    """The four bounds as ISO 8601 days (year 0 is 1 BCE); null where the source sets no bound."""

    earliest_start: str | None = said("It cannot have begun before this day.", "1957-01-01")
    latest_start: str | None = said("It had begun by this day.", "1957-12-31")
    earliest_end: str | None = said("It cannot have ended before this day.", "1957-01-01")
    latest_end: str | None = said("It had ended by this day.", "1962-12-31")


class Days(Wire):
    """The same four bounds as Julian Day Numbers: one linear scale for drawing, before and after year 1."""

    earliest_start: int | None = said("Julian Day Number.", 2435840)
    latest_start: int | None = said("Julian Day Number.", 2436204)
    earliest_end: int | None = said("Julian Day Number.", 2435840)
    latest_end: int | None = said("Julian Day Number.", 2438030)


class When(Wire):
    """When, as the source says it and as far as it can be reckoned. `bounds` and `days` are null when undated."""

    text: str = said("The source's own words.", "by 1961")
    edtf: str | None = said("EDTF (ISO 8601-2); null when the words give no date.", "[..1961]")
    approximate: bool = said("The date is marked as approximate (`~`).", False)
    uncertain: bool = said("The date is marked as uncertain (`?`).", False)
    bounds: Bounds | None = said("Earliest and latest start and end, as days; may be narrower than the EDTF.")
    days: Days | None = said("The same as Julian Day Numbers.")
    relative_to: Ref | None = said("The record that the words count from.")


class Alias(Wire):
    """Another name."""

    name: str = said("The name.", "Mao")
    in_source: bool = said("Whether the source itself uses it.", True)


class Links(Wire):
    """Where to go on from here."""

    self: str = said("This.", "/v1/people/mao-zedong")
    relations: str = said("Its relations, at either end.", "/v1/relations?record=mao-zedong")
    citations: str = said("The places it rests on.", "/v1/citations?record=mao-zedong")


class Claim(Wire):
    """Who says so, and how."""

    stance: Stance = said("How it is said.", "asserted")
    attributed_to: Ref | None = said("The record that says it; null where the source names nobody.")
    polarity: Polarity = said("`negative` when the source denies it.", "positive")
    citation_count: int = said("How many places it rests on.", 2)


class Base(Claim):
    id: str = said("Stable and readable; unique over all kinds.", "mao-zedong")
    name: str = said("As the source gives it, or a descriptive label.", "Mao Zedong")
    summary: str = said("In our own words.", "Leader who announced the Great Leap Forward.")
    aliases: list[Alias] = said("Other names.")
    relation_count: int = said("How many relations it stands in.", 12)
    links: Links = said("Where to go on from here.")


class Involvement(Wire):
    """A person or an organization, and the relation that ties it to the event."""

    record: Ref = said("Who.")
    predicate: Predicate = said("How: subject to object.", "announced")
    end: Literal["subject", "object"] = said("Which end of the relation this is: a subject acts.", "subject")
    role: str | None = said("The part played.", "head of state")
    stance: Stance = said("How it is said.", "asserted")
    polarity: Polarity = said("`negative` when the source denies it.", "positive")
    relation: str = said("The relation's id.", "mao-zedong.announced.great-leap-forward")


class Event(Base):
    """Something that happened, is said to have happened, or was shown."""

    kind: Literal["event"]
    type: str = said("What sort of event.", "announcement")
    date: When | None = said("When; null where the source gives no words of time.")
    involved: list[Involvement] = said("People and organizations tied to it, each with how.")
    places: list[Ref] = said("Places related to it.")
    policies: list[Ref] = said("Policies related to it.")


class Office(Wire):
    """An office held: both ends may be unknown."""

    organization: Ref = said("Where.")
    role: str | None = said("The office.", "head of state")
    date: When | None = said("When, as far as the source says.")
    relation: str = said("The relation's id.", "mao-zedong.held_office.chinese-state")


class Person(Base):
    """A person, named or not."""

    kind: Literal["person"]
    name_known: bool = said("False when the source leaves the person unnamed.", True)
    description: str | None = said("What the source calls the person.", "philosophy instructor")
    offices: list[Office] = said("The offices held.")


class Policy(Base):
    """A plan, campaign or doctrine."""

    kind: Literal["policy"]
    type: str = said("What sort of policy.", "campaign")
    date: When | None = said("When; null where the source gives no words of time.")
    initiators: list[Ref] = said("Who initiated or announced it, or the event in which that was done.")


class Estimate(Base):
    """A quantified claim. Nothing in it is computed: no midpoint, no total."""

    kind: Literal["estimate"]
    type: EstimateType = said("A count, a target, a superlative or a ratio.", "estimate")
    measure: str = said("What is counted.", "deaths")
    subject: Ref = said("What it is about.")
    place: Ref | None = said("Where.")
    low: Figure | None = said("The least, as given.", 15000000)
    high: Figure | None = said("The most, as given.", 45000000)
    value: Figure | None = said("The one figure, where one is given.", 2)
    unit: str | None = said("What one of it is.", "persons")
    approximate: bool = said("Marked as approximate.", True)
    hedge: str | None = said("The source's hedging words.", "between")
    duration: str | None = said("A length of time, ISO 8601.", "P1Y")
    date: When | None = said("When; null where the source gives no words of time.")


class Organization(Base):
    """An organization, a group or another actor of many."""

    kind: Literal["organization"]
    type: str = said("What sort.", "party")
    name_known: bool = said("False when the name is a label of ours.", True)


class Place(Base):
    """A place."""

    kind: Literal["place"]
    type: str = said("What sort.", "country")


class Quote(Base):
    """Words that the source quotes or reports."""

    kind: Literal["quote"]
    text: str = said("The words, with the source's own elision.", "opportunist and revisionist")
    form: QuoteForm = said("Quoted directly, or reported.", "direct")
    speaker: Ref | None = said("Who said it; null where the source names nobody.")
    about: list[Ref] = said("What it is about.")
    date: When | None = said("When it was said.")


class SectionInfo(Wire):
    """A section of a source."""

    id: str = said("Its id within the source.", "no-lessons-learned")
    title: str | None = said("Its heading; null for what stands before the first.", "No Lessons Learned")


class Source(Base):
    """A text that the facts were read from."""

    kind: Literal["source"]
    type: str = said("What sort of text.", "article")
    title: str | None = said("Its title; null when the text has none.")
    author: str | None = said("As its byline says.", "Lynne Ann Hartnett")
    affiliation: str | None = said("As its byline says.", "Villanova University")
    publisher: str | None = said("As the text says.")
    series: str | None = said("The series it belongs to.", "The Great Revolutions of Modern History")
    language: str = said("BCP 47.", "en")
    licence: str = said("What may be done with the text itself.")
    text_available: bool = said("Whether passages carry their text here.", False)
    sha256: str = said("Of the text, UTF-8.")
    length: int = said("Of the text, in Unicode code points.", 5900)
    sections: list[SectionInfo] = said("In the text's order.")
    sentence_count: int = said("Sentences in the text.", 53)
    cited_sentence_count: int = said("Sentences that a citation touches.", 53)


AnyRecord = Annotated[
    Event | Person | Policy | Estimate | Organization | Place | Quote | Source, Field(discriminator="kind")
]


class RelationLinks(Wire):
    """Where to go on from here."""

    self: str = said("This.", "/v1/relations/mao-zedong.announced.great-leap-forward")
    citations: str = said("The places it rests on.", "/v1/citations?relation=mao-zedong.announced.great-leap-forward")


class Relation(Claim):
    """What one record has to do with another, and who says so."""

    id: str = said("`subject.predicate.object`.", "mao-zedong.announced.great-leap-forward")
    subject: Ref = said("The record that it is said of.")
    predicate: Predicate = said("What is said.", "announced")
    label: str = said("The predicate in words, subject to object.", "announced")
    inverse_label: str = said("The predicate in words, object to subject.", "was announced by")
    object: Ref = said("The other record.")
    role: str | None = said("The office, or the part played.", "head of state")
    note: str | None = said("What is stated, in our own words.")
    date: When | None = said("When; null where the source gives no words of time.")
    causality: Causality | None = said("For causes: stated in the text, or implied by it.", "explicit")
    links: RelationLinks = said("Where to go on from here.")


class Target(Wire):
    """What a citation supports."""

    type: Literal["record", "relation"] = said("A record or a relation.", "record")
    id: str = said("Its id.", "mao-zedong")
    name: str = said("The record's name, or the relation in words.", "Mao Zedong")
    url: str = said("Where it is.", "/v1/records/mao-zedong")


class Citation(Wire):
    """A span of a source that a fact rests on. Offsets are Unicode code points; `end` is exclusive."""

    id: str = said("Its id.", "mao-zedong.hartnett-great-leap-forward.59-81")
    target: Target = said("What it supports.")
    source: Ref = said("The text.")
    passage: str = said("The passage's id.", "hartnett-great-leap-forward-p2")
    section: SectionInfo = said("The section.")
    paragraph: int = said("The passage's number in the source, from 1.", 2)
    start: int = said("Where the span begins in the source.", 59)
    end: int = said("Where it ends.", 81)
    utf16_start: int = said("Where it begins in UTF-16 code units, which JavaScript counts.", 59)
    utf16_end: int = said("Where it ends in UTF-16 code units.", 81)
    sha256: str = said("Of exactly the span, UTF-8.")
    fragment: str = said("The fewest words that let a reader find it.", "In 1957, Mao Zedong announced")
    status: Literal["verified", "unverified"] = said("Whether the span was checked against the text.", "unverified")
    exact: str | None = said("The span's words, where the text is held or the fragment is all of them.")
    url: str = said("Where it is.", "/v1/citations/mao-zedong.hartnett-great-leap-forward.59-81")


class Sentence(Wire):
    """A sentence's place in its passage, in Unicode code points from the passage's beginning."""

    start: int = said("Where it begins.", 0)
    end: int = said("Where it ends.", 91)
    cited: bool = said("Whether a citation touches it.", True)


class Anchor(Wire):
    """A citation that points into a passage; offsets count from the passage's beginning."""

    citation: str = said("The citation's id.")
    target: Target = said("What it supports.")
    start: int = said("Where it begins in the passage.", 0)
    end: int = said("Where it ends in the passage.", 28)
    utf16_start: int = said("Where it begins in UTF-16 code units, which JavaScript counts.", 0)
    utf16_end: int = said("Where it ends in UTF-16 code units.", 28)


class Passage(Wire):
    """A paragraph of a source, with everything that is anchored in it."""

    id: str = said("Its id.", "hartnett-great-leap-forward-p2")
    source: Ref = said("The text.")
    section: SectionInfo = said("The section.")
    paragraph: int = said("Its number in the source, from 1.", 2)
    start: int = said("Where it begins in the source, in Unicode code points.", 48)
    end: int = said("Where it ends.", 480)
    sha256: str = said("Of the passage, UTF-8.")
    text_available: bool = said("Whether the words are held here.", False)
    text: str | None = said("The words, where they are held.")
    sentences: list[Sentence] = said("Its sentences.")
    anchors: list[Anchor] = said("What is cited from it.")
    url: str = said("Where it is.", "/v1/passages/hartnett-great-leap-forward-p2")


class Overview(Wire):
    """What this knowledge base is."""

    id: str = said("Of the pack it was loaded from.", "great-leap-forward")
    title: str = said("Its title.", "Great Leap Forward")
    description: str = said("What it holds.")
    licence: str = said("Of the records.", "CC-BY-4.0")
    licence_url: str | None = said("Where the licence stands.")
    citation: str = said("How to cite it.")


class About(Wire):
    """What this API serves."""

    name: str = said("The service.", "Fasti")
    version: str = said("Of the software.", "0.1.0")
    revision: str = said("Names the data: the same packs give the same revision anywhere.", "3f1c0a9be772")
    knowledge_bases: list[Overview] = said("What is loaded, with licence and way to cite.")
    counts: dict[str, int] = said("How many of each there are.", {"events": 31})
    links: dict[str, str] = said("Where to begin.", {"events": "/v1/events"})


class Included(Wire):
    """What `include` added, each thing once."""

    records: list[AnyRecord] | SkipJsonSchema[None] = Field(None, description="Related records.")
    relations: list[Relation] | SkipJsonSchema[None] = Field(None, description="Relations of the items.")
    citations: list[Citation] | SkipJsonSchema[None] = Field(None, description="Citations of the items.")
    truncated: list[str] = said("What was cut off at 1,000 entries; follow the item's links for the rest.")


class Detail(Wire):
    # Absent unless asked for: `include` only adds, and without it the shape is exactly the record's.
    included: Included | SkipJsonSchema[None] = Field(None, description="Only with `include`.")


class FacetValue(Wire):
    """One value and how many items of the list have it."""

    value: str | bool = said("As the parameter takes it.", "announcement")
    label: str = said("The same for people: a record's name, or the word.", "announcement")
    count: int = said("How many items of the list have it.", 2)
    url: str = said("The list with this value applied.", "/v1/events?type=announcement")


class Facet(Wire):
    """A parameter's values under the filters given, the most frequent first."""

    values: list[FacetValue] = said("At most 50 of them.")
    others: int = said("How many values were left out.", 0)
    truncated: bool = said("Whether so many match that only those of the list's first ones were counted.", False)


class Page(Detail):
    # Absent unless asked for, like `included`.
    facets: dict[str, Facet] | SkipJsonSchema[None] = Field(None, description="Only with `facets`: one per name.")
    total: int | None = said("How many there are in all; null unless `total=true`.", 31)
    next: str | None = said("The next page's full URL; null on the last page.")
    revision: str = said("The revision of the data.", "3f1c0a9be772")


class EventDetail(Event, Detail):
    """An event."""


class PersonDetail(Person, Detail):
    """A person."""


class PolicyDetail(Policy, Detail):
    """A policy."""


class EstimateDetail(Estimate, Detail):
    """An estimate."""


class OrganizationDetail(Organization, Detail):
    """An organization."""


class PlaceDetail(Place, Detail):
    """A place."""


class QuoteDetail(Quote, Detail):
    """A quotation."""


class SourceDetail(Source, Detail):
    """A source."""


class RelationDetail(Relation, Detail):
    """A relation."""


class CitationDetail(Citation, Detail):
    """A citation."""


class PassageDetail(Passage, Detail):
    """A passage."""


class EventPage(Page):
    items: list[Event] = said("The events.")


class PersonPage(Page):
    items: list[Person] = said("The people.")


class PolicyPage(Page):
    items: list[Policy] = said("The policies.")


class EstimatePage(Page):
    items: list[Estimate] = said("The estimates.")


class OrganizationPage(Page):
    items: list[Organization] = said("The organizations.")


class PlacePage(Page):
    items: list[Place] = said("The places.")


class QuotePage(Page):
    items: list[Quote] = said("The quotations.")


class SourcePage(Page):
    items: list[Source] = said("The sources.")


class RecordPage(Page):
    items: list[AnyRecord] = said("Records of any kind.")


class RelationPage(Page):
    items: list[Relation] = said("The relations.")


class CitationPage(Page):
    items: list[Citation] = said("The citations.")


class PassagePage(Page):
    items: list[Passage] = said("The passages.")


AnyDetail = Annotated[
    EventDetail
    | PersonDetail
    | PolicyDetail
    | EstimateDetail
    | OrganizationDetail
    | PlaceDetail
    | QuoteDetail
    | SourceDetail,
    Field(discriminator="kind"),
]


class Sparse(BaseModel):
    """What `fields` left: a record or a page of records with only the keys that were asked for."""

    model_config = ConfigDict(extra="allow")
