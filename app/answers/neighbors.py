"""A record's surroundings: the relations around it, level by level, and the records that they lead to."""

from typing import Any

from sqlalchemy import Connection, Select, select

from app.answers.graph import (
    UNREAD,
    Direction,
    Drawn,
    Elements,
    Hop,
    Link,
    Node,
    Wanted,
    hops,
    links_of,
    nodes_of,
    told,
)
from app.db import revision_read
from app.models import record
from app.resources import RECORDS
from app.schemas import Wire, said
from app.selection import missing
from app.statements import given, statement

MAX_LINKS = 1_000


class Neighborhood(Wire):
    """What is said of a record's surroundings as a whole."""

    root: str = said("The id of the record in the middle.", "mao-zedong")
    truncated: str | None = said("What was cut, and by which bound; null when everything is here.")
    revision: str = said("The revision of the data.", "3f1c0a9be772")


class Graph(Neighborhood):
    """A record's surroundings. D3 reads it as it is: `forceSimulation(nodes)`, `forceLink(links).id(d => d.id)`."""

    nodes: list[Node] = said("The records, nearest first, then by id.")
    links: list[Link] = said("The relations between them, by id.")


class CytoscapeGraph(Wire):
    """The same surroundings. Cytoscape.js reads it as it is: `cytoscape(answer)`."""

    data: Neighborhood = said("What is said of the whole: `cy.data()`.")
    elements: Elements = said("Nodes and edges.")


def neighbors(connection: Connection, name: str, depth: int, limit: int, direction: Direction, wanted: Wanted) -> Drawn:
    """The relations at most `depth` steps away from a record, and the at most `limit` others that they lead to.

    A `Graph` or a `CytoscapeGraph`, once it is drawn. Raises Problem (404) when there is no such record.
    """
    found = _by_id().first(connection, id=name)
    if found is None:
        raise missing(connection, RECORDS, name)
    walk = _Walk(found[0], limit)
    for level in range(1, depth + 1):
        walk.step(level, *hops(connection, walk.frontier, direction, wanted))
    whole = Neighborhood(root=name, truncated=walk.truncated(), revision=revision_read(connection))
    return Drawn(whole.model_dump_json(), nodes_of(connection, walk.depths), links_of(connection, walk.links))


@statement
def _by_id() -> Select[Any]:
    return select(record.c.pk).where(record.c.id == given("id"))


class _Walk:
    """What was reached, and what was left out."""

    def __init__(self, root: int, limit: int) -> None:
        self.limit = limit
        self.depths = {root: 0}
        self.frontier = [root]
        self.links: set[int] = set()
        self.lost_nodes: set[int] = set()
        self.lost_links: set[int] = set()
        self.unread = self.uncounted = False

    def step(self, level: int, found: list[Hop], unread: bool) -> None:
        # What lies behind something that was left out is not counted.
        self.uncounted |= unread or bool(self.lost_nodes or self.lost_links)
        self.unread |= unread
        self.frontier = []
        for hop in found:
            if hop.pk not in self.links and len(self.links) >= MAX_LINKS:
                self.lost_links.add(hop.pk)
            elif hop.far not in self.depths and len(self.depths) > self.limit:
                self.lost_nodes.add(hop.far)
            else:
                self.links.add(hop.pk)
                if hop.far not in self.depths:
                    self.depths[hop.far] = level
                    self.frontier.append(hop.far)

    def truncated(self) -> str | None:
        parts = []
        if self.lost_nodes:
            parts.append(f"{self._number(self.lost_nodes, 'record')} within reach left out: `limit` is {self.limit}")
        if self.lost_links:
            parts.append(f"{self._number(self.lost_links, 'link')} left out: an answer has at most {MAX_LINKS:,}")
        if self.unread:
            parts.append(UNREAD)
        return told(parts)

    def _number(self, lost: set[int], what: str) -> str:
        return f"{'at least ' * self.uncounted}{len(lost):,} {what}{'s' * (len(lost) > 1)}"
