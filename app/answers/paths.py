"""What leads from one record to another, and how far such a chain can be trusted.

The search runs level by level from both ends until they meet, so that it looks at few of the relations of a record
in which thousands meet.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Literal, NamedTuple, get_args

from pydantic import ConfigDict, Field
from sqlalchemy import Connection

from app import selection
from app.answers.graph import (
    UNREAD,
    Direction,
    Drawn,
    Elements,
    Hop,
    Link,
    Node,
    Wanted,
    denied,
    hops,
    links_of,
    nodes_of,
    told,
)
from app.db import revision_read
from app.errors import Fault, wrong
from app.schemas import Ref, Wire, said
from app.vocabulary import Polarity, Stance

MAX_DEPTH = 6
# As many as are compared to find the strongest. Paths that part and meet again multiply without end.
MAX_COMPARED = 1_000

Strength = Literal["explicit", "implied", "sequence", "association"]
STRENGTHS: dict[Strength, str] = {
    "explicit": "a cause that the source states",
    "implied": "a cause that the source only implies",
    "sequence": "the one came before the other, and no cause is given",
    "association": "any other relation",
}
_RANKED: tuple[Strength, ...] = get_args(Strength)


class Step(Wire):
    """One link of a path, read the way the path runs: `from` `label` `to`."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    from_: str = Field(alias="from", description="The id of the record it starts at.", examples=["great-leap-failures"])
    label: str = said("The link's predicate in words, the way the path runs.", "caused")
    to: str = said("The id of the record it comes to.", "pressure-on-mao")
    link: str = said("The id of the link.", "great-leap-failures.caused.pressure-on-mao")
    direction: Literal["forward", "backward"] = said("`forward` from the link's source to its target.", "forward")
    strength: Strength = said(
        f"What the link alone says, strongest first: {'; '.join(f'`{n}`, {text}' for n, text in STRENGTHS.items())}.",
        "implied",
    )


class Reserve(Wire):
    """A record or link of a path that the source does not simply assert: the whole chain rests on it."""

    type: Literal["record", "relation"] = said("A record or a link.", "record")
    id: str = said("Its id.", "party-split")
    stance: Stance = said("How it is said.", "attributed")
    polarity: Polarity = said("`negative` when the source denies it.", "positive")
    attributed_to: Ref | None = said("The record that says it; null where the source names nobody.")


class ChainedPath(Wire):
    """A chain of links from one record to another, never of links that the source denies."""

    length: int = said("How many links it has.", 2)
    direction: Literal["forward", "backward", "mixed"] = said(
        "`forward` when every link runs from its source to its target; `backward` when every link runs the other way, "
        "so that a cause is reached from its effect; `mixed` when the path turns round.",
        "forward",
    )
    strength: Strength = said(
        "What the chain as a whole may be said to show: that of its weakest link. `explicit` only when every link is a "
        "stated cause and all run the same way; `implied` when all are causes and one or more is implied; `sequence` "
        "when one or more says no more than `preceded`. With any other link, or in a `mixed` path, it is an "
        "`association`: no cause and no order.",
        "implied",
    )
    weakest: str = said(
        "The id of the weakest link, the first of equals. In a `mixed` path the turn, too, makes an association.",
        "great-leap-failures.caused.pressure-on-mao",
    )
    stances: list[Reserve] = said("The records and links on it that are denied or not plainly asserted, on the way.")
    steps: list[Step] = said("The links, in order.")


class Journey(Wire):
    """What is said of the paths as a whole."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    from_: str = Field(alias="from", description="The id of the first record.", examples=["great-leap-failures"])
    to: str = said("The id of the last.", "party-split")
    paths: list[ChainedPath] = said(
        "The shortest paths: the strongest first, of these those with the fewest links that are not plainly asserted, "
        "then by the ids of their links."
    )
    reason: str | None = said("Why there is no path: none so short, or none at all; null when there is one.")
    truncated: str | None = said("What was cut, and by which bound; null when everything is here.")
    revision: str = said("The revision of the data.", "3f1c0a9be772")


class Paths(Journey):
    """The shortest paths between two records, with all their records and links: D3 draws `nodes` and `links`."""

    nodes: list[Node] = said("The records on the paths, nearest to `from` first, then by id.")
    links: list[Link] = said("The links on the paths, by id.")


class CytoscapePaths(Wire):
    """The same paths. Cytoscape.js reads it as it is: `cytoscape(answer)`."""

    data: Journey = said("The paths themselves, and what is said of the whole: `cy.data()`.")
    elements: Elements = said("Nodes and edges.")


def paths(
    connection: Connection, ends: tuple[str, str], max_depth: int, limit: int, directed: bool, wanted: Wanted
) -> Drawn:
    """The shortest paths between two records of at most `max_depth` links, at most `limit` of them.

    `Paths` or `CytoscapePaths`, once they are drawn. `directed` goes along links from subject to object only. Raises
    Problem (422) for an id that there is not.
    """
    first, last = ends
    start, end = selection.keys(connection, {"from": first, "to": last})
    if start == end:
        raise wrong(Fault(parameter="to", detail=f"{last!r} is where the path begins", nearest=None))
    search = _Search(connection, (start, end), directed, replace(wanted, polarities=("positive",)))
    search.run(max_depth)
    chains = sorted(islice(search.chains(start), MAX_COMPARED), key=_order)[:limit]
    depths = {leg.to: depth for chain in chains for depth, leg in enumerate(chain, 1)}
    nodes = nodes_of(connection, depths | {start: 0} if chains else {})
    links = links_of(connection, {leg.pk for chain in chains for leg in chain})
    known_nodes = {node.id: node for node in map(Node.model_validate_json, nodes)}
    known_links = {link.id: link for link in map(Link.model_validate_json, links)}
    whole = Journey(
        from_=first,
        to=last,
        paths=[_path(chain, first, known_nodes, known_links) for chain in chains],
        reason=None if chains else search.reason(max_depth),
        truncated=search.truncated(start, limit),
        revision=revision_read(connection),
    )
    return Drawn(whole.model_dump_json(), nodes, links)


class Leg(NamedTuple):
    """A step of a path while it is looked for."""

    rank: int
    doubtful: bool
    id: str
    pk: int
    forward: bool
    to: int


def _leg(hop: Hop, *, back: bool) -> Leg:
    """A hop as the path runs, which is `back` for one that was found from the path's end."""
    other: Strength = "sequence" if hop.predicate == "preceded" else "association"
    rank = _RANKED.index(hop.causality or other)
    forward = bool(hop.forward) != back
    return Leg(rank, hop.stance != "asserted", hop.id, hop.pk, forward, hop.near if back else hop.far)


class _Side:
    """One end, and what is reached from it."""

    def __init__(self, start: int, goal: int) -> None:
        self.goal = goal
        self.depth = 0
        self.frontier = [start]
        self.reached = {start: 0}
        self.hops: dict[int, list[Hop]] = {}
        """Every hop that ends a shortest way to a record, by the record."""

    def step(self, connection: Connection, found: list[Hop]) -> None:
        self.depth += 1
        level = dict[int, list[Hop]]()
        for hop in found:
            if hop.far not in self.reached:
                level.setdefault(hop.far, []).append(hop)
        # A record that the source denies is no ground to go on from.
        for far in denied(connection, [*level]) - {self.goal}:
            del level[far]
        self.frontier = list(level)
        self.reached |= dict.fromkeys(level, self.depth)
        self.hops |= level


class _Search:
    def __init__(self, connection: Connection, ends: tuple[int, int], directed: bool, wanted: Wanted) -> None:
        self.connection, self.directed, self.wanted = connection, directed, wanted
        self.near, self.far = _Side(*ends), _Side(*ends[::-1])
        self.onward: dict[int, list[Leg]] = {}
        self.unread = False

    def run(self, max_depth: int) -> None:
        """Let the two sides grow, the smaller one first, until they meet. Every shortest path runs where they do."""
        near, far = self.near, self.far
        while near.depth + far.depth < max_depth and near.frontier and far.frontier:
            side = min(near, far, key=lambda each: (len(each.frontier), each.depth))
            way: Direction = "any" if not self.directed else "out" if side is near else "in"
            found, unread = hops(self.connection, side.frontier, way, self.wanted)
            self.unread |= unread
            side.step(self.connection, found)
            other = far if side is near else near
            met = {pk: other.reached[pk] for pk in side.frontier if pk in other.reached}
            if met:
                # They differ only where not everything was read from both sides.
                least = min(met.values())
                halfway = {pk for pk, depth in met.items() if depth == least}
                self._join(near, halfway, back=False)
                self._join(far, halfway, back=True)
                return

    def _join(self, side: _Side, level: set[int], *, back: bool) -> None:
        """Lay the ways from one side to where the two met, as the path runs."""
        while level:
            on = [hop for pk in level for hop in side.hops.get(pk, [])]
            for hop in on:
                self.onward.setdefault(hop.far if back else hop.near, []).append(_leg(hop, back=back))
            level = {hop.near for hop in on}

    def chains(self, start: int) -> Iterator[list[Leg]]:
        """The paths from a record to the end, those along better links first."""
        if start == self.near.goal:
            yield []
            return
        for leg in sorted(self.onward.get(start, [])):
            for rest in self.chains(leg.to):
                yield [leg, *rest]

    def count(self, start: int) -> int:
        """How many there are, without walking them."""
        known = {self.near.goal: 1}

        def counted(pk: int) -> int:
            if pk not in known:
                known[pk] = sum(counted(leg.to) for leg in self.onward.get(pk, []))
            return known[pk]

        return counted(start)

    def reason(self, max_depth: int) -> str:
        if self.unread:
            return "None was found, but not every relation was looked at."
        if self.near.frontier and self.far.frontier:
            return f"No path of at most {max_depth} such links leads there; `max_depth` may be up to {MAX_DEPTH}."
        return "No path leads there, however long: all that such links reach was looked at."

    def truncated(self, start: int, limit: int) -> str | None:
        parts = []
        total = self.count(start)
        if total > limit:
            parts.append(f"{total:,} paths are equally short: `limit` is {limit}")
        if total > MAX_COMPARED:
            parts.append(f"the strongest were sought among {MAX_COMPARED:,} of them")
        if self.unread:
            parts.append(f"{UNREAD}; other paths, and shorter ones, may be missing")
        return told(parts)


def _order(chain: list[Leg]) -> tuple[int, int, list[str]]:
    doubts = sum(leg.doubtful for leg in chain)
    return _RANKED.index(_strength(chain)), doubts, [leg.id for leg in chain]


def _strength(chain: list[Leg]) -> Strength:
    turns = len({leg.forward for leg in chain}) > 1
    return "association" if turns else _RANKED[max(leg.rank for leg in chain)]


def _path(chain: list[Leg], start: str, nodes: dict[str, Node], links: dict[str, Link]) -> ChainedPath:
    steps, on, said_of = [], start, [_reserve("record", nodes[start])]
    for leg in chain:
        steps.append(_step(leg, links[leg.id]))
        on = steps[-1].to
        said_of += [_reserve("relation", links[leg.id]), _reserve("record", nodes[on])]
    ways = {step.direction for step in steps}
    return ChainedPath(
        length=len(chain),
        direction="mixed" if len(ways) > 1 else steps[0].direction,
        strength=_strength(chain),
        weakest=max(chain, key=lambda leg: leg.rank).id,
        stances=[each for each in said_of if each.stance != "asserted" or each.polarity == "negative"],
        steps=steps,
    )


def _step(leg: Leg, link: Link) -> Step:
    ends = (link.source, link.target) if leg.forward else (link.target, link.source)
    return Step(
        from_=ends[0],
        label=link.label if leg.forward else link.inverse_label,
        to=ends[1],
        link=link.id,
        direction="forward" if leg.forward else "backward",
        strength=_RANKED[leg.rank],
    )


def _reserve(type_: Literal["record", "relation"], of: Node | Link) -> Reserve:
    return Reserve(type=type_, id=of.id, stance=of.stance, polarity=of.polarity, attributed_to=of.attributed_to)
