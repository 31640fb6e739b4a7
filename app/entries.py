"""Entries: what search keeps of a record, a relation or a passage. Each is made of its wire document, and of those of
its citations, alone.

The index knows an entry by its tokens. Words stand in their order with `|` around each text, so that no phrase runs
over. After them, without order, come `=stem` for every word, `@stem` for one in a name, `<beg` for each beginning of
one, `^first_stem` and `$whole_name` for how a name begins and what it is, and `#kind`.
"""

from collections.abc import Iterable, Iterator, KeysView, Sequence
from functools import lru_cache
from itertools import accumulate, chain
from typing import Any, NamedTuple

from app.analysis import MAX_WORDS, Cut, cut, stem
from app.encoding import dump
from app.vocabulary import KINDS

Row = dict[str, Any]
Words = Sequence[str]
NAMES = ("name", "alias")
ALL_KINDS = (*KINDS, "relation", "passage")
KIND_BITS = 4
"""An entry's key is its place among all, the best connected first, with its kind in the last bits."""

SEPARATOR = "\x1f"
BEGINNING, LEADING, CITATIONS = 24, 4, 100
_PLAIN = ("summary", "description", "text", "title", "author", "affiliation", "publisher", "series", "role", "note",
          "type", "measure", "unit", "hedge")  # fmt: skip
_SHOWN = ("stance", "attributed_to", "polarity", "causality")


class Entry(NamedTuple):
    """`row` for the table, `tokens` for the index, its words and their stems, each once, and how all are written."""

    weight: int
    row: Row
    tokens: str
    words: set[str]
    stems: KeysView[str]
    shapes: list[str]


def key(place: int, kind: str) -> int:
    return place << KIND_BITS | ALL_KINDS.index(kind)


def kind_of(key: int) -> str:
    return ALL_KINDS[key & ((1 << KIND_BITS) - 1)]


def entry(kind: str, document: Row, citations: list[Row]) -> Entry | None:
    """The entry of a record, a relation or a passage; None where there is nothing to search."""
    searched = [(field, text.replace(SEPARATOR, " ")) for field, text in _fields(document)]
    if not searched:
        return None
    cited = sorted(citations, key=lambda each: (each["start"], each["id"]))
    places = list(_sentences(document) if kind == "passage" else _cited(cited))
    own = [text for _, text in searched]
    texts = own + [text.replace(SEPARATOR, " ") for _, text in places]
    found = [cut(text) for text in own] + [cut_again(text) for text in texts[len(own) :]]
    names = found[: sum(field in NAMES for field, _ in searched)]
    rest = [cut_again(text) for text in dict.fromkeys(map(words_of, cited[CITATIONS:]))]
    # A passage has its sentences in its text.
    body = found[len(names) : len(own) if kind == "passage" else None] + rest
    row = {
        "kind": kind,
        "hit": _hit(kind, document),
        "hint": _hint(document) if kind in KINDS else None,
        "fields": " ".join(field for field, _ in searched),
        "texts": SEPARATOR.join(texts),
        "places": SEPARATOR.join(place for place, _ in places),
        "plain": all(each.plain for each in found),
    }
    weight = document.get("citation_count", 0) + document.get("relation_count", 0) + len(document.get("anchors", ()))
    words = {*chain.from_iterable(each.words for each in found)}
    # In their order, which is the same in every process.
    stems = dict.fromkeys(chain.from_iterable(each.stems for each in found))
    shapes = [*chain.from_iterable(each.shapes for each in found)]
    marked = stems | dict.fromkeys(chain.from_iterable(each.stems for each in rest)) if rest else stems
    return Entry(weight, row, _tokens(kind, names, body, marked), words, stems.keys(), shapes)


cut_again = lru_cache(20_000)(cut)
"""For what is cited, which is cited more than once."""


def _fields(document: Row) -> Iterator[tuple[str, str]]:
    """What is searched in a wire document, as (field, text); a record's names come first."""
    if "predicate" in document:
        yield "label", _label(document)
    elif "name" in document:
        yield "name", document["name"]
        yield from (("alias", alias["name"]) for alias in document["aliases"])
    for name in _PLAIN:
        if isinstance(value := document.get(name), str):
            yield name, value
    for name in ("subject", "place", "speaker") if "predicate" not in document else ():
        if document.get(name):
            yield name, document[name]["name"]
    yield from (("about", each["name"]) for each in document.get("about", ()))
    yield from (("role", office["role"]) for office in document.get("offices", ()) if office["role"])
    if document.get("date"):
        yield "date", document["date"]["text"]


def _label(relation: Row) -> str:
    """A relation in words."""
    return f"{relation['subject']['name']} {relation['label']} {relation['object']['name']}"


def words_of(citation: Row) -> str:
    """What is searched in a citation: the words it points at where the text is held, or else the fragment."""
    found: str = citation["exact"] or citation["fragment"]
    return found


def _cited(citations: list[Row]) -> Iterator[tuple[str, str]]:
    """The places it rests on, as (start, end and source, text); a source is said once for all that follow."""
    last = None
    for each in citations[:CITATIONS]:
        source, last = "" if each["source"] == last else f" {dump(each['source'])}", each["source"]
        yield f"{each['start']} {each['end']}{source}", words_of(each)


def _sentences(document: Row) -> Iterator[tuple[str, str]]:
    begin, source = document["start"], f" {dump(document['source'])}"
    for each in document["sentences"]:
        yield f"{begin + each['start']} {begin + each['end']}{source}", document["text"][each["start"] : each["end"]]
        source = ""


def _hit(kind: str, document: Row) -> str:
    """What a hit of this entry always says, as JSON that is still open for what matched."""
    is_passage = kind == "passage"
    if is_passage:
        name = f"{document['source']['name']}, paragraph {document['paragraph']}"
    else:
        name = _label(document) if kind == "relation" else document["name"]
    date = document.get("date")
    fixed: Row = {"id": document["id"], "kind": kind, "name": name}
    fixed["summary"] = document["note"] if kind == "relation" else document.get("summary")
    fixed["url"] = document["url"] if is_passage else document["links"]["self"]
    fixed["date"] = date["text"] if date else None
    return dump(fixed | {name: document.get(name) for name in _SHOWN})[:-1]


def id_of(opened: str) -> str:
    """The id that such JSON begins with."""
    return opened[7 : opened.index('"', 7)]


def _hint(document: Row) -> str:
    """Such as `policy (campaign)` or `event (announcement), In 1957`."""
    kind: str = document["kind"]
    sort = (document.get("type") or "").replace("_", " ")
    date, description = document.get("date"), document.get("description")
    hint = f"{kind} ({sort})" if sort not in ("", kind) else kind
    return ", ".join([hint, *([description] if description else []), *([date["text"]] if date else [])])


def _tokens(kind: str, names: list[Cut], body: list[Cut], stems: Iterable[str]) -> str:
    texts = [*(each.words for each in names), *dict.fromkeys(each.words for each in body)]
    named: list[str] = []
    for each in filter(lambda name: name.words, names):
        named += chain(*map(_beginnings, each.words), _openings(each.words), (f"@{stem}" for stem in each.stems))
    marked = [f"={stem}" for stem in stems]
    return " ".join([" | ".join(map(" ".join, texts)), "|", *marked, *dict.fromkeys(named), f"#{kind}"])


@lru_cache(10_000)
def _beginnings(word: str) -> list[str]:
    return [f"<{word[:end]}" for end in range(1, min(len(word), BEGINNING) + 1)]


def _openings(words: Words) -> Iterator[str]:
    own = opening(words)
    yield from (f"^{each}" for each in accumulate(own[:LEADING], "{}_{}".format))
    if len(own) <= MAX_WORDS:
        yield f"${'_'.join(own)}"


def opening(words: Words) -> list[str]:
    """The words of a name by their stems, without a leading article."""
    return [stem(word) for word in (words[1:] if words[0] == "the" and len(words) > 1 else words)]
