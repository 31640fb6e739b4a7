"""Estimates side by side: like with like, each figure with whoever gives it, and nothing added up.

Only intervals are reckoned with. An envelope is the least and the most that anybody gives; the ratio of two envelopes
is the interval of all ratios they allow. There is no middle, no weight and no total: a range of two scholars is not
made better by our taking its mean.
"""

import json
from collections import defaultdict
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from itertools import combinations, islice
from math import inf
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, select

from app import selection
from app.db import revision_read
from app.errors import Fault, wrong
from app.models import citation, record
from app.resources import ESTIMATES
from app.schemas import Figure, Ref, When, Wire, said
from app.selection import Plan
from app.vocabulary import EstimateType, Polarity, Stance

Document = dict[str, Any]
MAX_ESTIMATES = 200
MAX_PAIRS = 200
DIGITS = 3
CLAIMS = ("asserted", "evaluative", "attributed")
"""Stances in which a figure is held to be so; a goal or a counterfactual is another sort of thing."""

Agreement = Literal["none", "single", "identical", "overlapping", "disjoint"]
Reason = Literal[
    "different-measure", "different-unit", "different-type", "different-stance", "already-a-ratio", "denied",
    "no-figure", "unbounded", "not-positive",
]  # fmt: skip


class Voice(Wire):
    """Somebody who says it."""

    kind: Literal["named", "author", "unnamed"] = said(
        "`named`: the record it is attributed to. `author`: the source itself. `unnamed`: somebody in the source whom "
        "it does not name; all such in one source count as one voice.",
        "named",
    )
    name: str = said("Who.", "Scholars")
    record: Ref = said("The record of who says it, or else the source.")


class Member(Wire):
    """An estimate as it stands."""

    id: str = said("Its id.", "chinese-famine-deaths")
    name: str = said("Its name.", "Deaths in China")
    url: str = said("Where it is.", "/v1/estimates/chinese-famine-deaths")
    low: Figure | None = said("The least, as given.", 15000000)
    high: Figure | None = said("The most, as given.", 45000000)
    value: Figure | None = said("The one figure, where one is given.", 2)
    approximate: bool = said("Marked as approximate.", False)
    hedge: str | None = said("The source's hedging words.", "between")
    voices: list[Voice] = said("Who says so.")
    stance: Stance = said("How it is said.", "attributed")
    polarity: Polarity = said("`negative` when the source denies it.", "positive")
    place: Ref | None = said("Where; null where the source does not say.")
    date: When | None = said("When; null where the source does not say.")
    citation_count: int = said("How many places it rests on.", 4)


class Envelope(Wire):
    """The least and the most that anybody gives. Null is no bound, and never zero."""

    low: Figure | None = said("The least; null where somebody sets no least.", 15000000)
    high: Figure | None = said("The most; null where somebody sets no most.", 45000000)
    reason: str | None = said("Why a side is null; null when neither is.", "`a` sets no most.")


class Group(Wire):
    """Estimates that are alike: of one measure, unit, type, subject, place and date, and meant alike."""

    key: str = said("Names the group in this answer.", "deaths/persons/estimate/great-leap-famine/china")
    label: str = said("The same for people.", "deaths, Great Leap famine, China")
    measure: str = said("What is counted.", "deaths")
    unit: str | None = said("What one of it is.", "persons")
    type: EstimateType = said("A count, a target, a superlative or a ratio.", "estimate")
    subject: Ref = said("What they are about.")
    place: Ref | None = said("Where; null where none of them says.")
    date: When | None = said("When; null where none of them says.")
    stance: str = said(
        "`claimed` when somebody holds it to be so; else the stance they share, such as `goal`.", "claimed"
    )
    polarity: Polarity = said("`negative` when the source denies them.", "positive")
    members: list[Member] = said("The estimates, by id.")
    voices: list[Voice] = said("Everybody who gives one, once.")
    voice_count: int = said("How many voices.", 1)
    envelope: Envelope | None = said("The least and the most; null when none of them gives a figure.")
    approximate: bool = said("Whether a figure among them is approximate.", False)
    agreement: Agreement = said(
        "`none`: no figure. `single`: one figure or range. `identical`: the same bounds. `overlapping`: some figure "
        "suits all. `disjoint`: at least two exclude each other.",
        "single",
    )
    finding: str = said("The same in words.", "One estimate.")
    assumptions: list[str] = said("What has to hold for these to be alike, where the source does not say it.")


class Interval(Wire):
    """A closed interval. The bounds are rounded outwards to three digits, so that it holds the exact one."""

    low: Figure = said("Rounded down.", 2.14)
    high: Figure = said("Rounded up.", 9)
    exact_low: str = said("Exact, as a fraction.", "15/7")
    exact_high: str = said("Exact, as a fraction.", "9")


class Ratio(Wire):
    """How many times the one is the other."""

    of: str = said("The key of the group above the line.", "deaths/persons/estimate/great-leap-famine/china")
    to: str = said("The key of the group below it.", "deaths/persons/estimate/soviet-famine/soviet-union")
    interval: Interval = said("All ratios that the two envelopes allow.")
    sense: str = said("The same in words.", "The first is between 2.14 and 9 times the second.")


class Objection(Wire):
    """Why two groups are not set in a ratio."""

    reason: Reason = said("In a word.", "different-type")
    detail: str = said("In full.", "A target is not an estimate.")


class Refusal(Wire):
    """Two groups that are not set in a ratio."""

    groups: list[str] = said("The keys of the two.", ["deaths/persons/estimate/great-leap-famine/china"])
    reasons: list[Objection] = said("Every reason there is.")


class Comparison(Wire):
    """Estimates of the measures asked for, side by side. Nothing is added up."""

    measures: list[str] = said("What was asked for.", ["deaths"])
    groups: list[Group] = said("Like with like, by key.")
    ratios: list[Ratio] = said("Of two groups that can be compared; the greater one (by its most) first.")
    refused: list[Refusal] = said("Of two groups that cannot, with the reason.")
    pairs_left_out: int = said(f"How many pairs of groups were not looked at, beyond the first {MAX_PAIRS}.", 0)
    note: str = said("What is done here, and what is not.", "Nothing is added up.")
    revision: str = said("The revision of the data.", "3f1c0a9be772")


NOTE = (
    "Figures stand as the sources give them. Nothing is added up, since groups may count the same thing twice, and "
    "nothing is averaged. An envelope or a ratio is an interval, with nothing in it likelier than the rest."
)


class Bounds(NamedTuple):
    """What an estimate or an envelope allows; None is no bound."""

    low: Fraction | None
    high: Fraction | None


def compare(connection: Connection, plan: Plan) -> Comparison:
    """The estimates that the plan selects, compared.

    Raises Problem (422) for an unknown id or word, and for more estimates than can be compared at once.
    """
    rows = _rows(connection, plan)
    documents = [json.loads(row.document) for row in rows]
    sources = _sources(connection, [row.pk for row in rows])
    for row, document in zip(rows, documents, strict=True):
        document["voices"] = _voices(document, sources[row.pk])
    groups = sorted(map(_group, _alike(documents)), key=lambda group: group.key)
    pairs = list(islice(combinations(groups, 2), MAX_PAIRS))
    answers = [_ratio(one, other) for one, other in pairs]
    return Comparison(
        measures=list(dict.fromkeys(plan.filters["measure"])), groups=groups,
        ratios=[each for each in answers if isinstance(each, Ratio)],
        refused=[each for each in answers if isinstance(each, Refusal)],
        pairs_left_out=len(groups) * (len(groups) - 1) // 2 - len(pairs), note=NOTE,
        revision=revision_read(connection),
    )  # fmt: skip


def _rows(connection: Connection, plan: Plan) -> list[Any]:
    query = select(record.c.pk, record.c.document).select_from(selection.rows_of(ESTIMATES, plan))
    query = query.where(*selection.selected(connection, ESTIMATES, plan).conditions)
    rows = list(connection.execute(query.order_by(record.c.id).limit(MAX_ESTIMATES + 1)))
    if len(rows) > MAX_ESTIMATES:
        # An envelope of only some of them would be a wrong one.
        detail = f"more than {MAX_ESTIMATES} estimates have it; take fewer with `subject`, `place` or `attributed_to`"
        raise wrong(Fault(parameter="measure", detail=detail, nearest=None))
    return rows


def _sources(connection: Connection, keys: list[int]) -> dict[int, list[Document]]:
    """The sources that each estimate rests on."""
    query = select(citation.c.record, record.c.id, record.c.document).join(record, record.c.pk == citation.c.source)
    found: dict[int, list[Document]] = defaultdict(list)
    for row in connection.execute(query.where(citation.c.record.in_(keys)).distinct().order_by(record.c.id)):
        found[row.record].append(json.loads(row.document))
    return found


def _voices(document: Document, sources: list[Document]) -> list[Voice]:
    who = document["attributed_to"]
    if who:
        return [Voice(kind="named", name=who["name"], record=who)]
    refs = [Ref(id=s["id"], kind="source", name=s["name"], url=s["links"]["self"]) for s in sources]
    if document["stance"] not in ("asserted", "evaluative"):
        return [Voice(kind="unnamed", name=f"somebody whom {ref.name} does not name", record=ref) for ref in refs]
    return [
        Voice(kind="author", name=source["author"] or ref.name, record=ref)
        for source, ref in zip(sources, refs, strict=True)
    ]


def _alike(documents: list[Document]) -> list[list[Document]]:
    """Like with like. One that names no place, or no date, goes with the others where these all name the same one."""
    found: dict[Any, list[Document]] = defaultdict(list)
    for each in documents:
        same = (each["measure"], each["unit"], each["type"], each["subject"]["id"], _meant(each), each["polarity"])
        found[same].append(each)
    groups = list(found.values())
    for part in (_place, _date):
        groups = [split for group in groups for split in _split(group, part)]
    return groups


def _split(group: list[Document], part: Callable[[Document], str | None]) -> list[list[Document]]:
    found: dict[str | None, list[Document]] = defaultdict(list)
    for each in group:
        found[part(each)].append(each)
    return [group] if len(found.keys() - {None}) < 2 else list(found.values())


def _meant(document: Document) -> str:
    return "claimed" if document["stance"] in CLAIMS else str(document["stance"])


def _place(document: Document) -> str | None:
    return document["place"] and str(document["place"]["id"])


def _date(document: Document) -> str | None:
    return document["date"] and str(document["date"]["edtf"] or document["date"]["text"])


def _group(documents: list[Document]) -> Group:
    first = documents[0]
    place = next((each["place"] for each in documents if each["place"]), None)
    date = next((each["date"] for each in documents if each["date"]), None)
    voices = {(voice.kind, voice.record.id): voice for each in documents for voice in each["voices"]}
    assumptions = [
        f"{each['id']} names no {name}, and is taken to mean the same as the others: {shown}."
        for name, shown in (("place", place and place["name"]), ("date", date and date["text"]))
        for each in documents
        if shown and not each[name]
    ]
    agreement, finding = _agreement(documents, len(voices))
    if agreement == "disjoint" and assumptions:
        finding = f"{finding.removesuffix('.')}, if the assumptions hold."
    return Group(
        key=_key(documents, place, date), label=_label(first, place, date), measure=first["measure"],
        unit=first["unit"], type=first["type"], subject=first["subject"], place=place, date=date, stance=_meant(first),
        polarity=first["polarity"], members=[_member(each) for each in documents], voices=list(voices.values()),
        voice_count=len(voices), envelope=_envelope(documents), approximate=any(d["approximate"] for d in documents),
        agreement=agreement, finding=finding, assumptions=assumptions,
    )  # fmt: skip


def _member(document: Document) -> Member:
    kept = document.keys() & Member.model_fields.keys()
    return Member(**{name: document[name] for name in kept}, url=document["links"]["self"])


def _key(documents: list[Document], place: Document | None, date: Document | None) -> str:
    first = documents[0]
    parts = [first["measure"], first["unit"], first["type"], first["subject"]["id"], place and place["id"]]
    parts += [_date({"date": date})] if date else []
    parts += [_meant(first)] if _meant(first) != "claimed" else []
    parts += ["denied"] if first["polarity"] == "negative" else []
    return "/".join(part or "-" for part in parts)


def _label(first: Document, place: Document | None, date: Document | None) -> str:
    sort = first["type"] if first["type"] != "estimate" else None
    denied = "denied" if first["polarity"] == "negative" else None
    meant = _meant(first) if _meant(first) != "claimed" else None
    parts = [first["subject"]["name"], place and place["name"], date and date["text"], sort, meant, denied]
    return ", ".join([_words(first["measure"]), *(str(part) for part in parts if part)])


def _words(word: str) -> str:
    return word.replace("_", " ")


def _bounds(document: Document) -> Bounds | None:
    """What an estimate allows: its one figure, or its range, of which a side may be open. None without a figure."""
    low, high, value = (None if document[k] is None else Fraction(repr(document[k])) for k in ("low", "high", "value"))
    if low is None and high is None:
        return None if value is None else Bounds(value, value)
    return Bounds(low, high)


def _envelope(documents: list[Document]) -> Envelope | None:
    bounds = {each["id"]: _bounds(each) for each in documents}
    if documents[0]["polarity"] == "negative" or not any(bounds.values()):
        return None
    open_low = [name for name, each in bounds.items() if each is None or each.low is None]
    open_high = [name for name, each in bounds.items() if each is None or each.high is None]
    reasons = [f"{', '.join(open_low)} sets no least"] * bool(open_low)
    reasons += [f"{', '.join(open_high)} sets no most"] * bool(open_high)
    return Envelope(
        low=None if open_low else float(min(each.low for each in bounds.values() if each and each.low is not None)),
        high=None if open_high else float(max(each.high for each in bounds.values() if each and each.high is not None)),
        reason="; ".join(reasons) or None,
    )


def _agreement(documents: list[Document], voices: int) -> tuple[Agreement, str]:
    """Whether the figures can all be true at once, and the same in words."""
    if documents[0]["polarity"] == "negative":
        return "none", "The source denies these figures, and what is denied sets no bounds."
    known = [(bounds, each) for each in documents if (bounds := _bounds(each))]
    said_by = f"{len(known)} estimates by {voices} {'voice' if voices == 1 else 'voices'}"
    if not known:
        return "none", "No figure is given."
    if len(known) == 1:
        return "single", f"One estimate: {_shown(*known[0])}."
    if len({bounds for bounds, _ in known}) == 1:
        return "identical", f"{said_by}, and all give the same: {_shown(*known[0])}."
    highest = max(known, key=lambda each: -inf if each[0].low is None else each[0].low)
    lowest = min(known, key=lambda each: inf if each[0].high is None else each[0].high)
    common = Bounds(highest[0].low, lowest[0].high)
    if common.low is None or common.high is None or common.low <= common.high:
        return "overlapping", f"{said_by}, and all can be true at once: {_shown(common, documents[0])} suits them all."
    pair = " and ".join(f"{each['id']} ({_shown(bounds, each)})" for bounds, each in (lowest, highest))
    return "disjoint", f"{said_by}, and they disagree: {pair} exclude each other."


def _shown(bounds: Bounds, document: Document) -> str:
    unit = f" {_words(document['unit'])}" if document["unit"] else ""
    low, high = (None if each is None else _number(float(each)) for each in bounds)
    if low is None or high is None:
        return (f"at least {low}" if high is None else f"at most {high}") + unit
    return (low if low == high else f"{low} to {high}") + unit


def _number(number: float) -> str:
    return f"{int(number):,}" if number.is_integer() else f"{number:,}"


def _ratio(one: Group, other: Group) -> Ratio | Refusal:
    objections = _objections(one, other)
    if objections:
        return Refusal(groups=[one.key, other.key], reasons=objections)
    (above, upper), (below, lower) = sorted(
        ((each, _positive(each)) for each in (one, other)), key=lambda pair: (pair[1][1], pair[1][0]), reverse=True
    )
    least, most = upper[0] / lower[1], upper[1] / lower[0]
    low, high = _rounded(least, ROUND_FLOOR), _rounded(most, ROUND_CEILING)
    times = f"{_number(low)} times" if low == high else f"between {_number(low)} and {_number(high)} times"
    either = "; either may be the greater" if least < 1 < most else ""
    return Ratio(
        of=above.key, to=below.key,
        interval=Interval(low=low, high=high, exact_low=str(least), exact_high=str(most)),
        sense=f"The first ({above.label}) is {times} the second ({below.label}){either}.",
    )  # fmt: skip


def _positive(group: Group) -> tuple[Fraction, Fraction]:
    assert group.envelope
    low, high = group.envelope.low, group.envelope.high
    assert low is not None
    assert high is not None
    return Fraction(repr(low)), Fraction(repr(high))


def _rounded(number: Fraction, direction: str) -> float:
    context = Context(prec=DIGITS, rounding=direction)
    return float(context.divide(Decimal(number.numerator), Decimal(number.denominator)))


def _objections(one: Group, other: Group) -> list[Objection]:
    found: list[tuple[Reason, str]] = []
    if one.measure != other.measure:
        found.append(("different-measure", f"They count different things: {one.measure} and {other.measure}."))
    if one.unit != other.unit:
        found.append(("different-unit", f"They count in {one.unit or 'no unit'} and in {other.unit or 'no unit'}."))
    if one.type != other.type:
        sorts = " and ".join(f"{'an' if each.type == 'estimate' else 'a'} {each.type}" for each in (one, other))
        target = ": what is aimed at is no result" if "target" in (one.type, other.type) else ""
        found.append(("different-type", f"They are {sorts}{target}."))
    if one.stance != other.stance:
        found.append(("different-stance", f"They are not meant alike: {one.stance} and {other.stance}."))
    if one.type == other.type == "ratio":
        found.append(("already-a-ratio", "They are ratios already."))
    return [Objection(reason=reason, detail=detail) for reason, detail in [*found, *_unfit(one), *_unfit(other)]]


def _unfit(group: Group) -> list[tuple[Reason, str]]:
    """Why a group stands in no ratio, whatever the other is."""
    if group.polarity == "negative":
        return [("denied", f"The source denies it: {group.label}.")]
    if group.envelope is None:
        ranks = "a superlative ranks and does not count" if group.type == "superlative" else "no figure is given"
        return [("no-figure", f"There is nothing to divide, since {ranks}: {group.label}.")]
    if group.envelope.low is None or group.envelope.high is None:
        return [("unbounded", f"A side is open ({group.envelope.reason}): {group.label}.")]
    if group.envelope.low <= 0:
        return [("not-positive", f"A ratio needs figures above zero: {group.label}.")]
    return []
