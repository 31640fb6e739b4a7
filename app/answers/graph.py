"""Records as a network: the shapes that D3 and Cytoscape.js read as they are, and the walk along relations."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from json.encoder import encode_basestring as _quoted
from operator import attrgetter
from typing import Any, Literal, NamedTuple

from sqlalchemy import Column, Connection, Select, literal, select

from app.encoding import dump
from app.models import record, relation
from app.schemas import Bounds, Days, Ref, When, Wire, said
from app.selection import shelf_of
from app.statements import is_listed, listed, statement
from app.vocabulary import PLURALS, Causality, Kind, Polarity, Predicate, Stance

Direction = Literal["any", "out", "in"]
MAX_CITATIONS = 10
# Of one level, each way. It bounds a request's work where thousands of relations meet in one record.
MAX_READ = 1_000
UNREAD = f"some relations not looked at, since of one level {MAX_READ:,} are read each way: `predicate` narrows them"


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
    forward: int
    """1 from subject to object, and 0 for the other way."""


@dataclass(frozen=True)
class Wanted:
    """Which relations a walk takes, and to which records; an empty list lets everything pass."""

    predicates: Sequence[str] = ()
    causality: Sequence[str] = ()
    stances: Sequence[str] = ()
    polarities: Sequence[str] = ()
    kinds: Sequence[str] = ()

    def of(self, connection: Connection, hops: list[Hop]) -> list[Hop]:
        for allowed, field in (
            (self.predicates, "predicate"), (self.causality, "causality"),
            (self.stances, "stance"), (self.polarities, "polarity"),
        ):  # fmt: skip
            if allowed:
                hops = [hop for hop in hops if getattr(hop, field) in allowed]
        if self.kinds:
            # The keys of a kind follow each other.
            shelves = [shelf_of(connection, kind) for kind in self.kinds]
            hops = [hop for hop in hops if any(first <= hop.far <= last for first, _, last in shelves)]
        return hops


def hops(
    connection: Connection, frontier: Sequence[int], direction: Direction, wanted: Wanted
) -> tuple[list[Hop], bool]:
    """The relations that lead on from some records, in the order of their ids, and whether there were too many.

    The database looks predicates up in its index; what else is wanted is looked at here, row by row, so that no
    filter makes it read on and on through the relations of a record that has a million.
    """
    found, unread = list[Hop](), False
    predicates = tuple(["caused"] if wanted.causality else wanted.predicates)
    keys = listed(frontier)
    ends = (relation.c.subject, relation.c.object)
    for forward, (near, far) in ((True, ends), (False, ends[::-1])):
        if frontier and direction != ("in" if forward else "out"):
            rows = _leading_on(near, far, predicates, forward=forward).rows(connection, keys=keys)
            unread |= len(rows) > MAX_READ
            found += map(Hop._make, rows[:MAX_READ])
    # Of a relation that is walked both ways, the way forward stays before the other.
    return sorted(wanted.of(connection, found), key=attrgetter("id")), unread


@statement
def _leading_on(near: Column[Any], far: Column[Any], predicates: tuple[str, ...], *, forward: bool) -> Select[Any]:
    said_so = (relation.c.predicate, relation.c.causality, relation.c.stance, relation.c.polarity)
    query: Select[Any] = select(relation.c.pk, relation.c.id, near, far, *said_so, literal(int(forward)))
    query = query.where(is_listed(near))
    if predicates:
        query = query.where(relation.c.predicate.in_(predicates))
    return query.order_by(near, relation.c.predicate, relation.c.pk).limit(MAX_READ + 1)


def denied(connection: Connection, keys: Sequence[int]) -> set[int]:
    """Those of the records that the source denies."""
    return set(_denied().column(connection, keys=listed(keys))) if keys else set()


@statement
def _denied() -> Select[Any]:
    return select(record.c.pk).where(is_listed(record.c.pk), record.c.polarity == "negative")


def told(parts: list[str]) -> str | None:
    """What was cut, as one sentence; None when nothing was."""
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text else None


def _cut(document: str, *keys: str) -> list[str]:
    """A stored object in the pieces before, between and behind some of its keys, which stand there in this order.

    A piece is the value of its key with all that follows it, up to the next of these keys. Inside a text a quotation
    mark never stands bare, so that no text can pass for a key.
    """
    pieces = []
    for key in keys:
        piece, _, document = document.partition(f',"{key}":')
        pieces.append(piece)
    return [*pieces, document]


class Drawn(NamedTuple):
    """A graph in JSON: what is said of the whole, each `Node`, and each `Link`."""

    whole: str
    nodes: list[str]
    links: list[str]


def d3(graph: Drawn) -> bytes:
    """The graph as D3 reads it."""
    return f'{graph.whole[:-1]},"nodes":[{",".join(graph.nodes)}],"links":[{",".join(graph.links)}]}}'.encode()


def cytoscape(graph: Drawn) -> bytes:
    """The graph as Cytoscape.js reads it; what is said of the whole becomes its own data."""
    nodes, edges = (",".join([f'{{"data":{each}}}' for each in part]) for part in (graph.nodes, graph.links))
    return f'{{"data":{graph.whole},"elements":{{"nodes":[{nodes}],"edges":[{edges}]}}}}'.encode()


def nodes_of(connection: Connection, depths: dict[int, int]) -> list[str]:
    """The records with these keys, each with its depth, as `Node` in JSON: the nearest first, then by id."""
    if not depths:
        return []
    rows = _nodes().rows(connection, keys=listed(depths))
    rows.sort(key=lambda row: (depths[row[0]], row[1]))
    return [_node(depths[pk], *row) for pk, *row in rows]


@statement
def _nodes() -> Select[Any]:
    of = record.c
    return select(of.pk, of.id, of.kind, of.name, of.date_text, of.document).where(is_listed(of.pk))


def _node(depth: int, id: str, kind: Kind, name: str, date_text: str | None, document: str) -> str:
    date = "null" if date_text is None else _date(document)
    # A record's own claim comes behind all that it says of others.
    claim, _ = _cut(document[document.rindex(',"stance":') :], "citation_count")
    return (
        f'{{"id":"{id}","kind":"{kind}","name":{_quoted(name)},"depth":{depth},"date":{date}{claim},'
        f'"url":"/v1/{PLURALS[kind]}/{id}"}}'
    )


def _date(document: str) -> str:
    """A `NodeDate` in JSON from a dated record's document."""
    _, text, _, bounds, _ = _cut(document, "date", "approximate", "bounds", "relative_to")
    return f'{text},"bounds":{bounds}}}'


def links_of(connection: Connection, keys: Collection[int]) -> list[str]:
    """The relations with these keys, each with the places it rests on, as `Link` in JSON, by id."""
    if not keys:
        return []
    return [_link(*row) for row in _links().rows(connection, keys=listed(keys))]


@statement
def _links() -> Select[Any]:
    wanted = select(relation.c.document, relation.c.cited).where(is_listed(relation.c.pk))
    return wanted.order_by(relation.c.id)


def _link(document: str, cited: str) -> str:
    # A `Ref`, and what leads on, are cut behind what they begin with: {"id":… and {"self":…
    ends = ("subject", "kind", "predicate", "object", "kind")
    own, subject, _, predicate, target, _, date, labels, role, causality, claim, link, _ = _cut(
        document, *ends, "date", "label", "role", "causality", "stance", "links", "citations"
    )
    return (
        f'{own},"source":{subject[6:]},"target":{target[6:]},"predicate":{predicate},"label":{labels},'
        f'"causality":{causality},"role":{role},"date":{date},"stance":{claim},"citations":{cited},'
        f'"url":{link[8:]}}}'
    )


def cited(citations: Iterable[dict[str, Any]]) -> str:
    """The first of a relation's citations as a list of `LinkCitation` in JSON, made when it is loaded."""
    first = islice(citations, MAX_CITATIONS)
    return dump([
        {"id": each["id"], "source": each["source"]["id"], "fragment": each["fragment"],
         "url": f"/v1/citations/{each['id']}"}
        for each in first
    ])  # fmt: skip
