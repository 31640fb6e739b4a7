"""The questions of the benchmark, and how each is asked of Fasti, of the tutorial's API and of Datasette.

A question is drawn again and again, each time another one of its sort; the same draw asks the same of all three.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from urllib.parse import urlencode

from app import dates
from app.cursors import seal
from app.selection import Plan
from tests.bench.pack import World, name
from tests.bench.words import WORDS

SAMPLE = 3_000
QUESTIONS, REPEATED = 6_000, 10
HUBS, COMMON, RARE, TYPES = 5, 8, 10_000, 4
"""How many people everything is tied to, how many words are in most texts, and from which rank they are in few;
and how many sorts of event are asked for."""

MIDDLING = 300, 600
"""The ranks of words that are in more texts than a page has, and in fewer than those of which the first are kept."""

LIMITS = range(15, 26)


class Asked(NamedTuple):
    """One question as a path for each server; None where the peer has nothing like it."""

    fasti: str
    tutorial: str | None = None
    datasette: str | None = None


class Drawn(NamedTuple):
    """What questions are drawn from."""

    counts: dict[str, int]
    events: list[dict[str, Any]]
    rare: list[str]
    types: list[str]

    def event(self, draw: Random) -> str:
        return name("event", draw.randrange(self.counts["events"]))

    def person(self, draw: Random) -> str:
        """Anybody but those whom everything is tied to."""
        return name("person", draw.randrange(min(HUBS, self.counts["people"] - 1), self.counts["people"]))


@dataclass(frozen=True)
class Query:
    """A sort of question. `holds` is the key of the answer that must be there, and must not always be empty."""

    key: str
    title: str
    holds: str
    draw: Callable[[Drawn, Random], Asked]
    repeated: bool = False
    """Whether the same few are asked again and again, of a server that keeps its answers."""
    conditional: bool = False
    """Whether it is asked with the tag of the answer (`If-None-Match`)."""
    alike: bool = False
    """Whether everybody has to give the same records in the same order."""


def drawn_from(folder: Path, size: int) -> Drawn:
    """What there is in a pack, by its first events: they are as mixed as all of them."""
    with (folder / "events.ndjson").open(encoding="utf-8") as lines:
        events = [json.loads(line) for line in islice(lines, SAMPLE)]
    uncommon = set(WORDS[min(RARE, 300 * size) :])
    rare = {word for event in events for word in event["summary"].rstrip(".").split()[1:] if word in uncommon}
    types = [sort for sort, _ in Counter(event["type"] for event in events).most_common(TYPES)]
    return Drawn(World(size).counts, events, sorted(rare), types)


def ask(query: Query, drawn: Drawn) -> list[Asked]:
    """Many questions of the sort, no two alike unless there are no more; few where they are to be repeated."""
    draw = Random(f"mix {query.key}")
    asked = list(dict.fromkeys(query.draw(drawn, draw) for _ in range(QUESTIONS)))
    return asked[:REPEATED] if query.repeated else asked


def paths(asked: list[Asked], server: str) -> list[str]:
    """The questions as one of the servers is asked them; none where it has nothing like them."""
    return [path for each in asked if (path := getattr(each, server)) is not None]


def _get(path: str, **parameters: Any) -> str:
    return path + "?" + urlencode({key.rstrip("_"): value for key, value in parameters.items()})


def _table(**parameters: Any) -> str:
    """A page of Datasette's `record` table, with nothing worked out besides."""
    return _get("/peers/record.json", **parameters, _size=20, _nocount=1, _nofacet=1, _shape="objects")


def _canned(query: str, **parameters: Any) -> str:
    return _get(f"/peers/{query}.json", **parameters, _shape="objects")


def _one(drawn: Drawn, draw: Random) -> Asked:
    event = drawn.event(draw)
    return Asked(f"/v1/events/{event}", f"/events/{event}", f"/peers/record/{event}.json?_shape=objects")


def _between(first: str, last: str) -> Asked:
    start, end = dates.parse_day_range(first)[0], dates.parse_day_range(last)[1]
    return Asked(
        _get("/v1/events", from_=first, to=last),
        _get("/events", start=start, end=end),
        _table(kind="event", stated_start__lte=end, stated_end__gte=start, _sort="stated_start"),
    )


def _overlap(_: Drawn, draw: Random) -> Asked:
    year = draw.randrange(1500, 1950)
    return _between(f"{year}-{draw.randrange(1, 13):02d}", str(year + draw.randrange(1, 40)))


def _crowded(_: Drawn, draw: Random) -> Asked:
    year = draw.randrange(2005, 2019)
    return _between(f"{year}-{draw.randrange(1, 13):02d}-{draw.randrange(1, 29):02d}", str(year + draw.randrange(1, 3)))


def _of(person: str, **more: Any) -> Asked:
    return Asked(
        _get("/v1/events", person=person, **more),
        _get("/events", person=person, **more),
        _canned("events_of", person=person),
    )


def _by_person(drawn: Drawn, draw: Random) -> Asked:
    return _of(drawn.person(draw))


def _by_hub(_: Drawn, draw: Random) -> Asked:
    return _of(name("person", draw.randrange(HUBS)), limit=draw.choice(LIMITS))


def _listed(_: Drawn, draw: Random) -> Asked:
    limit = draw.choice(LIMITS)
    return Asked(
        _get("/v1/events", limit=limit), _get("/events", limit=limit), _table(kind="event", _sort="stated_start")
    )


def _deep(drawn: Drawn, draw: Random) -> Asked:
    """A page behind an event drawn from all of them, and one as deep: `offset` is how one gets there elsewhere."""
    event = draw.choice(drawn.events)
    edtf = (event.get("date") or {}).get("edtf")
    start = dates.parse(edtf).stated_start if edtf else None
    cursor = seal(Plan({}, ["start"], 20).signature("events"), [start, event["id"]])
    onward = {} if start is None else {"_next": f"{start},{event['id']}"}
    return Asked(
        _get("/v1/events", cursor=cursor),
        _get("/events", offset=draw.randrange(max(1, drawn.counts["events"] - 20))),
        _table(kind="event", _sort="stated_start", **onward),
    )


def _searched(words: str, limit: int = 20) -> Asked:
    return Asked(_get("/v1/search", q=words, limit=limit), _get("/search", q=words, limit=limit), _table(_search=words))


def _rare(drawn: Drawn, draw: Random) -> Asked:
    return _searched(draw.choice(drawn.rare))


def _common(_: Drawn, draw: Random) -> Asked:
    return _searched(WORDS[draw.randrange(COMMON)], draw.choice(LIMITS))


def _middling(_: Drawn, draw: Random) -> Asked:
    return _searched(WORDS[draw.randrange(*MIDDLING)], draw.choice(LIMITS))


def _two(_: Drawn, draw: Random) -> Asked:
    return _searched(f"{WORDS[draw.randrange(COMMON)]} {WORDS[draw.randrange(COMMON, 500)]}")


def _included(drawn: Drawn, draw: Random) -> Asked:
    event = drawn.event(draw)
    return Asked(
        _get(f"/v1/events/{event}", include="relations,citations,records"),
        f"/events/{event}/evidence",
        _canned("evidence", event=event),
    )


def _around(record: str, **more: Any) -> Asked:
    return Asked(
        _get(f"/v1/records/{record}/neighbors", depth=2, **more),
        _get(f"/records/{record}/neighbors", depth=2, **more),
        _canned("neighbors", record=record, **({"limit": 100} | more)),
    )


def _neighbors(drawn: Drawn, draw: Random) -> Asked:
    return _around(drawn.event(draw))


def _hub_neighbors(_: Drawn, draw: Random) -> Asked:
    return _around(name("person", draw.randrange(HUBS)), limit=draw.randrange(50, 100))


def _timeline(_: Drawn, draw: Random) -> Asked:
    return Asked(_get("/v1/timeline", bucket=draw.choice(("decade", "century"))), "/timeline", _canned("timeline"))


def _timeline_of(drawn: Drawn, draw: Random) -> Asked:
    sort = draw.choice(drawn.types)
    return Asked(
        _get("/v1/timeline", bucket="decade", type=sort),
        _get("/timeline", type=sort),
        _canned("timeline_of", type=sort),
    )


def _facets(_: Drawn, draw: Random) -> Asked:
    counted = {"_facet": "type", "kind": "event", "_size": 20, "_nocount": 1, "_shape": "objects"}
    return Asked(
        _get("/v1/events", facets="type,stance", limit=draw.choice(LIMITS)),
        "/facets",
        _get("/peers/record.json", **counted) + "&_facet=stance",
    )


def _facets_of(drawn: Drawn, draw: Random) -> Asked:
    person = drawn.person(draw)
    return Asked(
        _get("/v1/events", person=person, facets="type,stance"),
        _get("/facets", person=person),
        _canned("types_of", person=person),
    )


QUERIES = (
    Query("one", "one record", "id", _one),
    Query("list", "a list's first page", "items", _listed),
    Query("overlap", "list by dates", "items", _overlap, alike=True),
    Query("crowded", "… where dates crowd", "items", _crowded, alike=True),
    Query("person", "list by person", "items", _by_person),
    Query("hub", "… tied to everything", "items", _by_hub),
    Query("deep", "a page deep in a list", "items", _deep),
    Query("rare", "search, a rare word", "items", _rare),
    Query("common", "… a common word", "items", _common),
    Query("middling", "… a middling word", "items", _middling),
    Query("two", "… two words", "items", _two),
    Query("include", "record with its evidence", "included", _included),
    Query("neighbors", "neighbors, depth 2", "nodes", _neighbors),
    Query("hub-neighbors", "… of a hub", "nodes", _hub_neighbors),
    Query("timeline", "timeline", "buckets", _timeline),
    Query("timeline-of", "… of a type", "buckets", _timeline_of),
    Query("facets", "facets of a list", "facets", _facets),
    Query("facets-of", "… by person", "facets", _facets_of),
    Query("again", "one record again", "id", _one, repeated=True),
    Query("list-again", "20 records again", "items", _overlap, repeated=True),
    Query("304", "not modified (304)", "id", _one, repeated=True, conditional=True),
)
