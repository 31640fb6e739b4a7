"""A made-up pack of any size, the same bytes at every call: most of it a line an entry, written as it is made."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import yaml

from app import texts
from app.dates import year_text
from app.packfile import Cite
from app.spans import Finder
from tests.bench.words import SENTENCES, SOURCE, WORDS, Text, prose, text, zipf

Made = dict[str, Any]

EVENT_TYPES = ["battle", "treaty", "election", "famine", "revolt", "speech", "reform", "trial", "siege", "voyage",
               "discovery", "founding"]  # fmt: skip
ORGANIZATION_TYPES, PLACE_TYPES, POLICY_TYPES = ["state", "party", "army"], ["city", "country"], ["law", "campaign"]
UNDATED = 0.1


class World:
    """How many there are of each, and the entries, section by section."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.sentences = min(size, SENTENCES)
        few = max(5, size // 50)
        self.counts = {
            "people": max(5, size // 10), "organizations": few, "places": few, "policies": few, "events": size,
            "estimates": max(5, size // 20), "quotes": max(5, size // 20), "relations": 2 * size,
        }  # fmt: skip
        self.text: Text = text(self.sentences)
        self.phrases = self.text.phrases
        self.cited: set[str] = set()
        self.crowds = {name: zipf(self.counts[name]) for name in ("people", "organizations", "places")}

    def section(self, name: str) -> Iterator[Made]:
        """The entries of a section; what is drawn for one depends on the size and on those before it alone."""
        draw = Random(f"{name} {self.size}")
        make = getattr(self, f"_{name}")
        return (make(draw, number) for number in range(self.counts[name]))

    def _claim(self, draw: Random, number: int) -> Made:
        """On what an entry rests. Sentences take turns, so that each is cited; further ones are drawn."""
        more = draw.choices((0, 1, 2, 3), (60, 25, 10, 5))[0]
        chosen = [self.phrases[number % self.sentences][0], *(draw.choice(self.phrases)[1] for _ in range(more))]
        self.cited.update(chosen)
        said = {"stance": "attributed", "attributed_to": self._any(draw, "person")} if draw.random() < 0.05 else {}
        return {**said, "cite": list(dict.fromkeys(chosen))}

    def _any(self, draw: Random, kind: str) -> str:
        return name(kind, draw.randrange(self.counts[PLURAL[kind]]))

    def _known(self, draw: Random, kind: str) -> str:
        """One of the kind, the first ones far more often than others."""
        weights = self.crowds[PLURAL[kind]]
        return name(kind, draw.choices(range(len(weights)), cum_weights=weights)[0])

    def _record(self, draw: Random, kind: str, number: int, words: int) -> Made:
        summary = prose(draw, words).capitalize() + "."
        told = {"id": name(kind, number), "name": _title(draw), "summary": summary}
        return told | self._claim(draw, number)

    def _events(self, draw: Random, number: int) -> Made:
        made = self._record(draw, "event", number, 42)
        made["type"] = EVENT_TYPES[min(int(draw.expovariate(0.5)), len(EVENT_TYPES) - 1)]
        return made | _dated(draw)

    def _people(self, draw: Random, number: int) -> Made:
        return self._record(draw, "person", number, 20) | {"description": prose(draw, 3)}

    def _organizations(self, draw: Random, number: int) -> Made:
        return self._record(draw, "organization", number, 20) | {"type": draw.choice(ORGANIZATION_TYPES)}

    def _places(self, draw: Random, number: int) -> Made:
        return self._record(draw, "place", number, 10) | {"type": draw.choice(PLACE_TYPES)}

    def _policies(self, draw: Random, number: int) -> Made:
        return self._record(draw, "policy", number, 30) | {"type": draw.choice(POLICY_TYPES)} | _dated(draw)

    def _estimates(self, draw: Random, number: int) -> Made:
        low = draw.randrange(1, 1_000_000)
        made = self._record(draw, "estimate", number, 15) | {"type": "estimate", "measure": "deaths", "unit": "persons"}
        made |= {"subject": self._any(draw, "event"), "place": self._known(draw, "place")}
        return made | {"low": low, "high": low + draw.randrange(1_000_000)} | _dated(draw)

    def _quotes(self, draw: Random, number: int) -> Made:
        made = self._record(draw, "quote", number, 10) | {"text": prose(draw, 15), "speaker": self._any(draw, "person")}
        return made | {"about": [self._any(draw, "event")]} | _dated(draw)

    def _relations(self, draw: Random, number: int) -> Made:
        """Every other one says who took part in an event, and the next how that event is tied to something."""
        event = name("event", number // 2)
        tie = self._taken_part(draw, event) if number % 2 == 0 else self._tied(draw, event)
        dated = _dated(draw) if draw.random() < 0.2 else {}
        return {"id": f"tie-{number:07d}"} | tie | self._claim(draw, number) | dated

    def _taken_part(self, draw: Random, event: str) -> Made:
        kind = "person" if draw.random() < 0.7 else "organization"
        predicate = draw.choice(("participated_in", "initiated", "opposed"))
        return {"subject": self._known(draw, kind), "predicate": predicate, "object": event, "role": prose(draw, 2)}

    def _tied(self, draw: Random, event: str) -> Made:
        chance = draw.random()
        if chance < 0.4:
            return {"subject": event, "predicate": "located_in", "object": self._known(draw, "place")}
        if chance < 0.6:
            causality = draw.choice(("explicit", "implied"))
            return _tie(self._any(draw, "event"), "caused", event) | {"causality": causality}
        if chance < 0.75:
            return _tie(self._any(draw, "event"), "preceded", event)
        if chance < 0.9:
            return _tie(self._any(draw, "policy"), "enacted_as", event)
        office = {"role": prose(draw, 2)}
        return _tie(self._any(draw, "person"), "held_office", self._any(draw, "organization")) | office


PLURAL = {"person": "people", "organization": "organizations", "place": "places", "policy": "policies",
          "event": "events"}  # fmt: skip


def name(kind: str, number: int) -> str:
    return f"{kind}-{number:07d}"


def _title(draw: Random) -> str:
    return " ".join(each.capitalize() for each in draw.choices(WORDS, k=2))


def _tie(subject: str, predicate: str, object: str) -> Made:
    return {"subject": subject, "predicate": predicate, "object": object}


def _dated(draw: Random) -> Made:
    """A date of any sort: crowded in the last decades, with some before our era, open or half open, and none at all."""
    if draw.random() < UNDATED:
        return {"date": {"text": "at some time"}} if draw.random() < 0.5 else {}
    chance = draw.random()
    if chance < 0.7:
        year = 2020 - int(draw.expovariate(1 / 25))
    else:
        year = draw.randrange(1500, 2020) if chance < 0.92 else draw.randrange(-800, 1500)
    edtf = _edtf(draw, year)
    return {"date": {"text": f"in {edtf}", "edtf": edtf}}


def _edtf(draw: Random, year: int) -> str:
    said, month, chance = year_text(year), draw.randrange(1, 13), draw.random()
    forms = [
        (0.40, f"{said}-{month:02d}-{draw.randrange(1, 29):02d}"),
        (0.60, f"{said}-{month:02d}"),
        (0.78, said),
        (0.82, f"{said[:-1]}X"),
        (0.88, f"{said}/{year_text(year + draw.randrange(1, 10))}"),
        (0.90, f"{said}~"),
        (0.93, f"[..{said}]"),
        (0.96, f"[{said}..]"),
        (0.98, f"{said}/.."),
        (0.99, f"../{said}"),
        (1.00, f"{said}/"),
    ]
    return next(form for bound, form in forms if chance < bound)


def write(folder: Path, size: int) -> None:
    """The pack's files: the text, its sources and spans, and a line an entry of the rest."""
    folder.mkdir(parents=True, exist_ok=True)
    world = World(size)
    for section in world.counts:
        with (folder / f"{section}.ndjson").open("w", encoding="utf-8") as file:
            for entry in world.section(section):
                file.write(json.dumps(entry, ensure_ascii=False) + "\n")
    source = _source(world)
    about = {"id": "bench", "title": "Made up", "description": "Of no meaning.", "licence": "CC0-1.0",
             "citation": "Nobody."}  # fmt: skip
    world.cited.update(source["cite"])
    (folder / "source.txt").write_text(world.text.content, "utf-8")
    (folder / "pack.yaml").write_text(yaml.safe_dump({"pack": about}), "utf-8")
    (folder / "sources.yaml").write_text(yaml.safe_dump({"sources": [source]}), "utf-8")
    (folder / texts.SPANS).write_text("".join(_spans(folder / "source.txt", world)), "utf-8")


def _source(world: World) -> Made:
    return {"id": SOURCE, "name": "The chronicle", "summary": "What all rests on.", "type": "chronicle",
            "licence": "CC0-1.0", "headings": world.text.headings, "cite": [world.phrases[0][0]]}  # fmt: skip


def _spans(path: Path, world: World) -> Iterator[str]:
    """`spans.json` as `fasti cite` writes it."""
    source = texts.cut(path, world.text.headings)
    cites = [Cite(phrase=phrase) for phrase in sorted(world.cited)]
    finder = Finder(world.text.content, cites)
    spans = {texts.key(SOURCE, cite): finder.locate(cite) for cite in cites}
    return texts.written([texts.source_block(SOURCE, source)], [texts.span_block(spans)])
