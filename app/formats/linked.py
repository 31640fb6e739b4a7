"""JSON-LD: the same facts as a graph, in schema.org's terms, Web Annotation's, and a few of our own.

What is said of two records is a statement about them (`rdf:Statement`) and never the bare triple, which would assert
what is only attributed, implied or denied. For the same reason nothing that a record sums up from its relations
(who is involved, places) has a term of schema.org: it points to the relations. A node inside another has an address
of its own (`…#date`), so that the same record read twice is the same graph.
"""

import json
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

from app.encoding import dump
from app.formats import Context

Node = dict[str, Any]


def _link(term: str) -> Node:
    return {"@id": term, "@type": "@id"}


EDTF = "http://id.loc.gov/datatypes/edtf/EDTF"
CONTEXT: Node = {
    "schema": "https://schema.org/",
    "oa": "http://www.w3.org/ns/oa#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dcterms": "http://purl.org/dc/terms/",
    "fasti": "urn:fasti:",
    # schema.org
    **{
        term: f"schema:{term}"
        for term in ("name", "description", "alternateName", "startDate", "endDate", "text", "headline", "author",
                     "creditText", "inLanguage", "minValue", "maxValue", "value", "unitText", "version", "position")
    },
    **{term: _link(f"schema:{term}") for term in ("about", "license", "isPartOf", "hasPart", "spokenByCharacter")},
    "publisher": "schema:publisher",
    "measure": "schema:variableMeasured",
    "subjectOfMeasure": _link("schema:observationAbout"),
    # Web Annotation
    **{term: _link(f"oa:{term}") for term in ("hasBody", "hasSource", "motivatedBy")},
    "hasTarget": "oa:hasTarget",
    "hasSelector": "oa:hasSelector",
    **{term: f"oa:{term}" for term in ("start", "end", "exact")},
    # RDF and Dublin Core
    **{term: _link(f"rdf:{term}") for term in ("subject", "predicate", "object")},
    "dataset": _link("dcterms:isPartOf"),
    "rights": "dcterms:rights",
    "next": _link("http://www.iana.org/assignments/relation/next"),
    # Our own: what none of these has a term for.
    **{
        term: f"fasti:{term}"
        for term in ("type", "nameKnown", "role", "note", "approximate", "uncertain", "hedge", "duration", "form",
                     "fragment", "status", "sha256", "section", "date", "series", "affiliation")
    },
    **{
        term: _link(f"fasti:{term}")
        for term in ("stance", "polarity", "causality", "attributedTo", "relation", "relations", "citations", "place",
                     "relativeTo", "passage", "annotation")
    },
    **{
        term: {"@id": f"fasti:{term}", "@type": EDTF}
        for term in ("edtf", "earliestStart", "latestStart", "earliestEnd", "latestEnd")
    },
}  # fmt: skip
"""Given inline, so that nobody has to fetch anything to read an answer."""

TYPES: dict[str, list[str]] = {
    "event": ["schema:Event", "fasti:Event"],
    "person": ["schema:Person", "fasti:Person"],
    "organization": ["schema:Organization", "fasti:Organization"],
    "place": ["schema:Place", "fasti:Place"],
    "quote": ["schema:Quotation", "fasti:Quote"],
    "source": ["schema:CreativeWork", "fasti:Source"],
    # schema.org has no policies; a plan or a doctrine is nothing that can be touched.
    "policy": ["schema:Intangible", "fasti:Policy"],
    "estimate": ["schema:QuantitativeValue", "fasti:Estimate"],
}
# Only what was counted or reckoned is an observation: a target or a ratio aimed at is not.
_SPECIAL = {("estimate", "estimate"): "schema:Observation", ("source", "article"): "schema:Article",
            ("source", "book"): "schema:Book"}  # fmt: skip
_ISO_DATE = re.compile(r"-?\d{4}(?:-\d\d){0,2}")
_BOUNDS = ("earliest_start", "latest_start", "earliest_end", "latest_end")


def graph(documents: Iterable[str], context: Context) -> Iterator[bytes]:
    """A page, or one document, as a JSON-LD graph: the page, its items, and the dataset that they are from."""
    nodes = [_node(json.loads(document), context) for document in documents]
    body = {"@context": CONTEXT, "@graph": [*_page(nodes, context), *nodes, *_dataset(context)]}
    yield dump(body).encode()


def _page(nodes: list[Node], context: Context) -> Iterator[Node]:
    if not context.single:
        parts = [node["@id"] for node in nodes]
        page = {"@id": context.url, "@type": "schema:Collection", "hasPart": parts, "next": context.next}
        yield _filled(page | {"version": context.about["revision"], "dataset": _home(context)})


def _home(context: Context) -> str:
    return context.base + "/v1"


def _dataset(context: Context) -> Iterator[Node]:
    parts = []
    for number, each in enumerate(context.about["knowledge_bases"], 1):
        node = {"@id": f"{_home(context)}#{number}", "@type": "schema:Dataset", "name": each["title"]}
        node |= {"description": each["description"], "creditText": each["citation"], "rights": each["licence"]}
        parts.append(_filled(node | {"license": each["licence_url"]}))
    yield {"@id": _home(context), "@type": "schema:Dataset", "name": context.about["name"],
           "version": context.about["revision"], "hasPart": [part["@id"] for part in parts]}  # fmt: skip
    yield from parts


def _node(document: Node, context: Context) -> Node:
    """A document as a node. Keys without a value are left out: in a graph, what is not said is unknown."""
    node: Node = {"@id": context.at(document)}
    if "target" in document:
        node |= _citation(document, context, node["@id"])
    elif "predicate" in document:
        node |= _claim(document, context) | _relation(document, context)
    elif "kind" in document:
        node |= _claim(document, context) | _record(document, context)
    else:
        node |= _passage(document, context)
    if (date := document.get("date")) is not None:
        node["date"] = _date(date, context, node["@id"])
        if document.get("kind") == "event":
            node |= dict(zip(("startDate", "endDate"), _iso(date["edtf"]), strict=False))
    return _filled(node | {"dataset": _home(context)})


def _filled(node: Node) -> Node:
    return {key: value for key, value in node.items() if value is not None and value != []}


def _at(ref: Node | None, context: Context) -> str | None:
    return None if ref is None else context.base + ref["url"]


def _claim(document: Node, context: Context) -> Node:
    return {
        "stance": f"fasti:{document['stance']}",
        "polarity": f"fasti:{document['polarity']}",
        "attributedTo": _at(document["attributed_to"], context),
        **{name: context.base + url for name, url in document["links"].items() if name != "self"},
    }


def _record(document: Node, context: Context) -> Node:
    kind, type_ = document["kind"], document.get("type")
    special = _SPECIAL.get((kind, type_ or ""))
    node = {
        "@type": [*([special] if special else []), *TYPES[kind]],
        "name": document["name"],
        "description": document["summary"],
        "alternateName": [alias["name"] for alias in document["aliases"]],
        "type": type_,
        "nameKnown": document.get("name_known"),
        "relation": [f"{context.base}/v1/relations/{each['relation']}"
                     for each in document.get("involved", []) + document.get("offices", [])],
    }  # fmt: skip
    special_node = {"quote": _quote, "estimate": _estimate, "source": _source}.get(kind)
    return node | (special_node(document, context) if special_node else {})


def _quote(document: Node, context: Context) -> Node:
    return {
        "text": document["text"],
        "form": document["form"],
        "spokenByCharacter": _at(document["speaker"], context),
        "about": [_at(each, context) for each in document["about"]],
    }


def _estimate(document: Node, context: Context) -> Node:
    """The figures as they are given: none is computed."""
    return {
        "measure": document["measure"],
        "subjectOfMeasure": _at(document["subject"], context),
        "place": _at(document["place"], context),
        "minValue": document["low"],
        "maxValue": document["high"],
        "value": document["value"],
        "unitText": document["unit"],
        **{name: document[name] for name in ("approximate", "hedge", "duration")},
    }


def _source(document: Node, _: Context) -> Node:
    """Byline and publisher are words of the text, and so no nodes: who they are is not ours to say."""
    names = ("author", "affiliation", "publisher", "series", "sha256")
    return {name: document[name] for name in names} | {
        "headline": document["title"],
        "inLanguage": document["language"],
        "rights": document["licence"],
    }


def _relation(document: Node, context: Context) -> Node:
    return {
        "@type": ["rdf:Statement", "fasti:Relation"],
        "subject": _at(document["subject"], context),
        "predicate": f"fasti:{document['predicate']}",
        "object": _at(document["object"], context),
        "role": document["role"],
        "note": document["note"],
        "causality": f"fasti:{document['causality']}" if document["causality"] else None,
    }


def _citation(document: Node, context: Context, here: str) -> Node:
    """A Web Annotation: the body is what rests on the span, the target is the span. Offsets are code points."""
    place = {"@id": f"{here}#position", "@type": "oa:TextPositionSelector"}
    selectors: list[Node] = [place | {"start": document["start"], "end": document["end"]}]
    if (words := _exact(document)) is not None:
        selectors.append({"@id": f"{here}#quote", "@type": "oa:TextQuoteSelector", "exact": words})
    source = context.base + document["source"]["url"]
    return {
        "@type": "oa:Annotation",
        "motivatedBy": "oa:describing",
        "hasBody": context.base + document["target"]["url"],
        "hasTarget": {"@id": f"{here}#target", "@type": "oa:SpecificResource", "hasSource": source,
                      "hasSelector": selectors},
        "passage": f"{context.base}/v1/passages/{document['passage']}",
        **{name: document[name] for name in ("fragment", "status", "sha256")},
    }  # fmt: skip


def _exact(document: Node) -> str | None:
    """The span's words: where the text is held, or where the fragment proves to be all of it."""
    if document["exact"] is None and sha256(document["fragment"].encode()).hexdigest() == document["sha256"]:
        return str(document["fragment"])
    words: str | None = document["exact"]
    return words


def _passage(document: Node, context: Context) -> Node:
    return {
        "@type": ["schema:CreativeWork", "fasti:Passage"],
        "isPartOf": _at(document["source"], context),
        "position": document["paragraph"],
        "section": document["section"]["title"],
        "text": document["text"],
        "sha256": document["sha256"],
        "annotation": [f"{context.base}/v1/citations/{anchor['citation']}" for anchor in document["anchors"]],
    }


def _date(date: Node, context: Context, here: str) -> Node:
    camel = {bound: re.sub(r"_(.)", lambda m: m[1].upper(), bound) for bound in _BOUNDS}
    node = {
        "@id": f"{here}#date",
        "@type": "fasti:Date",
        "description": date["text"],
        "edtf": date["edtf"],
        **{camel[bound]: day for bound, day in (date["bounds"] or {}).items()},
        "relativeTo": _at(date["relative_to"], context),
    }
    # Of words that give no date nothing is known, neither that it is exact.
    if date["edtf"] is not None:
        node |= {name: date[name] for name in ("approximate", "uncertain")}
    return _filled(node)


def _iso(edtf: str | None) -> list[str]:
    """Start and end as ISO 8601, where the source gives both plainly; nothing otherwise."""
    ends = (edtf or "").split("/")
    return [ends[0], ends[-1]] if all(_ISO_DATE.fullmatch(end) for end in ends) else []
