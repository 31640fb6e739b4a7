"""Records as a network: the shapes that D3 and Cytoscape.js read as they are, and the walk along relations."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, Row, Select, func, select

from app import dates
from app.encoding import dump
from app.models import citation, record, relation
from app.schemas import Bounds, Days, Ref, When, Wire, said
from app.vocabulary import PLURALS, Causality, Kind, Polarity, Predicate, Stance

Direction = Literal["any", "out", "in"]
MAX_CITATIONS = 10
# Of one level, each way. It bounds a request's work where thousands of relations meet in one record.
MAX_READ = 2_000
UNREAD = f"some relations not looked at, since of one level {MAX_READ:,} are read each way: `predicate` narrows them"
_BOUNDS = ("earliest_start", "latest_start", "earliest_end", "latest_end")


class NodeDate(Wire):
    """A record's date in short. `bounds` and `days` are null when undated."""

    text: str = said("The source's own words.", "by 1961")
    edtf: str | None = said("EDTF (ISO 8601-2); null when the words give no date.", "[..1961]")
    bounds: Bounds | None = said("Earliest and latest start and end, as days.")
    days: Days | None = said("The same as Julian Day Numbers.")


class Node(Wire):
    """A record in the network."""

    id: str = said("Its id, which links name as `source` and `target`.", "mao-zedong")
    kind: Kind = said("Its kind.", "person")
    name: str = said("Its name.", "Mao Zedong")
    depth: int = said("How many steps it is from where the walk began.", 1)
    date: NodeDate | None = said("When; null where the source gives no words of time.")
    stance: Stance = said("How the source speaks of it: a goal, for instance, is not an event that came about.", "goal")
    attributed_to: Ref | None = said("The record that says so; null where the source names nobody.")
    polarity: Polarity = said("`negative` when the source denies it.", "positive")
    url: str = said("Where all of it is.", "/v1/people/mao-zedong")


class LinkCitation(Wire):
    """A place that a link rests on."""

    id: str = said("Its id.", "mao-zedong.announced.great-leap-forward.hartnett-great-leap-forward.59-95")
    source: str = said("The id of the text.", "hartnett-great-leap-forward")
    fragment: str = said("The fewest words that let a reader find it.", "Mao Zedong announced the Great Leap")
    url: str = said("Where all of it is.")


class Link(Wire):
    """A relation in the network; it runs from its subject to its object."""

    id: str = said("The relation's id.", "mao-zedong.announced.great-leap-forward")
    source: str = said("The id of the record that it is said of.", "mao-zedong")
    target: str = said("The id of the other record.", "great-leap-forward")
    predicate: Predicate = said("What is said.", "announced")
    label: str = said("The predicate in words, source to target.", "announced")
    inverse_label: str = said("The predicate in words, target to source.", "was announced by")
    causality: Causality | None = said("For causes: stated in the text, or implied by it. Else null.", "explicit")
    role: str | None = said("The office, or the part played.", "head of state")
    note: str | None = said("What is stated, in our own words.")
    date: When | None = said("When; null where the source gives no words of time.")
    stance: Stance = said("How it is said.", "asserted")
    attributed_to: Ref | None = said("The record that says it; null where the source names nobody.")
    polarity: Polarity = said("`negative` when the source denies it.", "positive")
    citation_count: int = said("How many places it rests on.", 1)
    citations: list[LinkCitation] = said(f"These places, the first {MAX_CITATIONS} in the text's order.")
    url: str = said("Where all of it is.", "/v1/relations/mao-zedong.announced.great-leap-forward")


class CytoscapeNode(Wire):
    """A node as Cytoscape.js has it."""

    data: Node = said("The record.")


class CytoscapeEdge(Wire):
    """An edge as Cytoscape.js has it."""

    data: Link = said("The relation.")


class Elements(Wire):
    """The elements of a Cytoscape.js graph."""

    nodes: list[CytoscapeNode] = said("The records, nearest first, then by id.")
    edges: list[CytoscapeEdge] = said("The relations between them, by id.")


class Hop(NamedTuple):
    """A relation, walked from the end that is near to the end that is far."""

    pk: int
    id: str
    near: int
    far: int
    predicate: Predicate
    causality: Causality | None
    stance: Stance
    polarity: Polarity
    far_kind: Kind
    far_polarity: Polarity
    forward: bool


@dataclass(frozen=True)
class Wanted:
    """Which relations a walk takes, and to which records; an empty list lets everything pass."""

    predicates: Sequence[str] = ()
    causality: Sequence[str] = ()
    stances: Sequence[str] = ()
    polarities: Sequence[str] = ()
    kinds: Sequence[str] = ()

    def of(self, hops: list[Hop]) -> list[Hop]:
        for allowed, field in (
            (self.predicates, "predicate"), (self.causality, "causality"), (self.stances, "stance"),
            (self.polarities, "polarity"), (self.kinds, "far_kind"),
        ):  # fmt: skip
            if allowed:
                hops = [hop for hop in hops if getattr(hop, field) in allowed]
        return hops


def hops(
    connection: Connection, frontier: Sequence[int], direction: Direction, wanted: Wanted
) -> tuple[list[Hop], bool]:
    """The relations that lead on from some records, in the order of their ids, and whether there were too many.

    The database looks predicates up in its index; what else is wanted is looked at here, row by row, so that no
    filter makes it read on and on through the relations of a record that has a million.
    """
    found, unread = list[Hop](), False
    ends = (relation.c.subject, relation.c.object)
    for forward, (near, far) in ((True, ends), (False, ends[::-1])):
        if frontier and direction != ("in" if forward else "out"):
            rows = connection.execute(_leading_on(frontier, near, far, wanted)).all()
            unread |= len(rows) > MAX_READ
            found += [Hop._make((*row, forward)) for row in rows[:MAX_READ]]
    return sorted(wanted.of(found), key=lambda hop: (hop.id, not hop.forward)), unread


def _leading_on(frontier: Sequence[int], near: Any, far: Any, wanted: Wanted) -> Select[Any]:
    ends = (near.label("near"), far.label("far"))
    said_so = (relation.c.predicate, relation.c.causality, relation.c.stance, relation.c.polarity)
    query: Select[Any] = select(relation.c.pk, relation.c.id, *ends, *said_so).where(near.in_(frontier))
    predicates = ["caused"] if wanted.causality else wanted.predicates
    if predicates:
        query = query.where(relation.c.predicate.in_(predicates))
    # Cut before the records are looked up, so that no more of them are than are wanted.
    read = query.order_by(near, relation.c.predicate, relation.c.pk).limit(MAX_READ + 1).subquery()
    there = select(read, record.c.kind, record.c.polarity).join(record, record.c.pk == read.c.far)
    return there.order_by(read.c.near, read.c.predicate, read.c.pk)


def told(parts: list[str]) -> str | None:
    """What was cut, as one sentence; None when nothing was."""
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text else None


def nodes_of(connection: Connection, depths: dict[int, int]) -> list[Node]:
    """The records with these keys, each with its depth."""
    voice = record.alias("voice")
    columns = (record.c.pk, record.c.id, record.c.kind, record.c.name, record.c.stance, record.c.polarity)
    dated = (record.c.date_text, record.c.edtf, *(record.c[bound] for bound in _BOUNDS))
    says = (voice.c.id.label("voice_id"), voice.c.kind.label("voice_kind"), voice.c.name.label("voice_name"))
    query: Select[Any] = select(*columns, *dated, *says).outerjoin(voice, voice.c.pk == record.c.attributed_to)
    rows = connection.execute(query.where(record.c.pk.in_(depths)))
    return sorted((_node(row, depths[row.pk]) for row in rows), key=lambda node: (node.depth, node.id))


def _node(row: Row[Any], depth: int) -> Node:
    return Node(
        id=row.id, kind=row.kind, name=row.name, depth=depth, date=_date(row), stance=row.stance,
        polarity=row.polarity, url=f"/v1/{PLURALS[row.kind]}/{row.id}",
        attributed_to=None if row.voice_id is None else _ref(row.voice_id, row.voice_kind, row.voice_name),
    )  # fmt: skip


def _ref(name: str, kind: Kind, title: str) -> Ref:
    return Ref(id=name, kind=kind, name=title, url=f"/v1/{PLURALS[kind]}/{name}")


def _date(row: Row[Any]) -> NodeDate | None:
    if row.date_text is None:
        return None
    if row.edtf is None:
        return NodeDate(text=row.date_text, edtf=None, bounds=None, days=None)
    days = {bound: getattr(row, bound) for bound in _BOUNDS}
    bounds = {bound: None if day is None else dates.iso(day) for bound, day in days.items()}
    return NodeDate(text=row.date_text, edtf=row.edtf, bounds=Bounds(**bounds), days=Days(**days))


def links_of(connection: Connection, keys: Iterable[int]) -> list[Link]:
    """The relations with these keys, each with the places it rests on."""
    wanted = list(keys)
    cited = _citations_of(connection, wanted)
    query = select(relation.c.pk, relation.c.document).where(relation.c.pk.in_(wanted)).order_by(relation.c.id)
    return [_link(json.loads(row.document), cited.get(row.pk, [])) for row in connection.execute(query)]


def _link(document: dict[str, Any], citations: list[LinkCitation]) -> Link:
    ends = {"source": document["subject"]["id"], "target": document["object"]["id"]}
    return Link.model_validate(document | ends | {"citations": citations, "url": document["links"]["self"]})


def _citations_of(connection: Connection, keys: list[int]) -> dict[int, list[LinkCitation]]:
    order = (citation.c.source, citation.c.start_offset, citation.c.id)
    number = func.row_number().over(partition_by=citation.c.relation, order_by=order).label("number")
    columns = (citation.c.relation, citation.c.document, number)
    numbered = select(*columns).where(citation.c.relation.in_(keys)).subquery()
    first = select(numbered).where(numbered.c.number <= MAX_CITATIONS)
    found: dict[int, list[LinkCitation]] = {}
    for row in connection.execute(first.order_by(numbered.c.relation, numbered.c.number)):
        place = json.loads(row.document)
        url = f"/v1/citations/{place['id']}"
        cited = LinkCitation(id=place["id"], source=place["source"]["id"], fragment=place["fragment"], url=url)
        found.setdefault(row.relation, []).append(cited)
    return found


def cytoscape(answer: Any) -> bytes:
    """An answer with `nodes` and `links` as Cytoscape.js reads it; the rest of it becomes the graph's own data."""
    body = answer.model_dump(mode="json")
    elements = {
        name: [{"data": each} for each in body.pop(key)] for name, key in (("nodes", "nodes"), ("edges", "links"))
    }
    return dump({"data": body, "elements": elements}).encode()
