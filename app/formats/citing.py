"""Citing: CSL-JSON, BibTeX and RIS. One entry for each thing that can be cited, with the revision it was read from.

An entry of a list begins with the list itself, as the query that it is. A record has no author: its words are the
knowledge base's, and whose account it gives stands in its note. A source is cited as the text that it is. There is no
access date (it would make every answer another one) and no year, since no record says when it was written.
"""

import json
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from app.encoding import dump
from app.formats import Context

# A page is a part of the query, and not another one.
SHAPING = {"cursor", "limit"}
PUBLISHER = "Fasti"


class Entry(NamedTuple):
    """What a reference says, in no format yet. `author` is a byline, never taken apart into names."""

    id: str
    type: str
    title: str
    container: str | None
    url: str
    version: str
    note: str
    abstract: str | None = None
    author: str | None = None
    publisher: str | None = PUBLISHER
    language: str | None = None


def entries(documents: Iterable[str], context: Context) -> Iterator[Entry]:
    if not context.single:
        yield _query(context)
    for document in documents:
        yield _entry(json.loads(document), context)


def _query(context: Context) -> Entry:
    parts = urlsplit(context.url)
    asked = [pair for pair in parse_qsl(parts.query) if pair[0] not in SHAPING]
    url = urlunsplit(parts._replace(query=urlencode(asked)))
    words = ", ".join(f"{name} {value}" for name, value in asked)
    title = context.name.capitalize() + (f" ({words})" if words else "")
    key = f"{context.name}-{sha256(url.encode()).hexdigest()[:8]}"
    return Entry(key, "dataset", title, context.title(), url, context.about["revision"], _note(context))


def _entry(document: dict[str, Any], context: Context) -> Entry:
    url, revision = context.at(document), context.about["revision"]
    if document.get("kind") == "source":
        return _source(document, context, url)
    title, abstract = _title(document)
    said = _said(document)
    return Entry(
        document["id"], "entry", f"{title} [{said}]" if said else title, context.title(), url, revision,
        _note(context), abstract,
    )  # fmt: skip


def _title(document: dict[str, Any]) -> tuple[str, str | None]:
    if "predicate" in document:
        words = (document["subject"]["name"], document["label"], document["object"]["name"])
        return " ".join(words), document["note"]
    if "name" in document:
        return document["name"], document["summary"]
    section = document["section"]["title"]
    place = f"paragraph {document['paragraph']}" + (f", “{section}”" if section else "")
    return f"{document['source']['name']}, {place}", document.get("fragment")


def _said(document: dict[str, Any]) -> str:
    """How it is said, where it is not simply asserted: a reference must not claim more than the source."""
    if document.get("stance", "asserted") == "asserted" and document.get("polarity", "positive") == "positive":
        return ""
    voice = document["attributed_to"]
    words = [document["stance"] + (f" to {voice['name']}" if voice and document["stance"] == "attributed" else "")]
    return "; ".join([*words, *(["denied"] if document["polarity"] == "negative" else [])])


def _note(context: Context) -> str:
    licence = context.licence()
    credit = " ".join(each["citation"] for each in context.about["knowledge_bases"][:5])
    return f"Revision {context.about['revision']}. {credit}" + (f" Licence: {licence}" if licence else "")


def _source(document: dict[str, Any], context: Context, url: str) -> Entry:
    """The text itself. What has no title is called by a description, in brackets, as style guides want it."""
    note = f"As recorded by Fasti, revision {context.about['revision']}. Licence: {document['licence']}"
    # CSL's `article` is a preprint, and its other articles are in a journal or a newspaper: more than we know.
    kind = "book" if document["type"] == "book" else "document"
    return Entry(
        document["id"], kind, document["title"] or f"[{document['name']}]", document["series"], url,
        context.about["revision"], note, document["summary"], document["author"], document["publisher"],
        document["language"],
    )  # fmt: skip


def csl(documents: Iterable[str], context: Context) -> Iterator[bytes]:
    """CSL-JSON, which Zotero and citeproc read: an array of items."""
    items = [_csl(entry) for entry in entries(documents, context)]
    yield dump(items).encode()


def _csl(entry: Entry) -> dict[str, Any]:
    item = {
        "id": entry.id,
        "type": entry.type,
        "title": entry.title,
        "author": [{"literal": entry.author}] if entry.author else None,
        "container-title": entry.container,
        "publisher": entry.publisher,
        "version": entry.version,
        "URL": entry.url,
        "language": entry.language,
        "abstract": entry.abstract,
        "note": entry.note,
    }
    return {name: value for name, value in item.items() if value is not None}


def bibtex(documents: Iterable[str], context: Context) -> Iterator[bytes]:
    """BibTeX in UTF-8. A title keeps its capitals, a byline its form, and nothing in a value is a command."""
    for entry in entries(documents, context):
        yield _bibtex(entry).encode()


def _bibtex(entry: Entry) -> str:
    kept = {"title": entry.title, "author": entry.author}
    plain = {"howpublished": entry.container, "publisher": entry.publisher, "version": entry.version}
    plain |= {"language": entry.language, "abstract": entry.abstract, "note": entry.note}
    fields = {name: f"{{{_latex(value)}}}" for name, value in kept.items() if value}
    fields |= {name: _latex(value) for name, value in plain.items() if value}
    fields["url"] = entry.url.replace("{", "%7B").replace("}", "%7D")
    kind = "book" if entry.type == "book" and entry.author else "misc"
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@{kind}{{{entry.id},\n{lines}\n}}\n\n"


# A brace counts for BibTeX even behind a backslash, so that only its name is safe.
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\textbraceleft{}", "}": r"\textbraceright{}", "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}", **{sign: "\\" + sign for sign in "$&%#_"},
}  # fmt: skip
_SPECIAL = re.compile("[" + re.escape("".join(_LATEX)) + "]")


def _line(text: str) -> str:
    """The words on one line, without what is no character."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text).split())


def _latex(text: str) -> str:
    return _SPECIAL.sub(lambda found: _LATEX[found[0]], _line(text))


_RIS_TYPES = {"entry": "DBASE", "dataset": "DATA", "book": "BOOK"}


def ris(documents: Iterable[str], context: Context) -> Iterator[bytes]:
    """RIS in UTF-8: a tag a line, CRLF, each reference closed by `ER`."""
    for entry in entries(documents, context):
        yield _ris(entry).encode()


def _ris(entry: Entry) -> str:
    tags = {"TY": _RIS_TYPES.get(entry.type, "GEN"), "ID": entry.id, "TI": entry.title, "AU": entry.author}
    tags |= {"T2": entry.container, "PB": entry.publisher, "ET": f"Revision {entry.version}", "LA": entry.language}
    tags |= {"AB": entry.abstract, "N1": entry.note, "UR": entry.url}
    lines = [f"{tag}  - {_line(value)}\r\n" for tag, value in tags.items() if value]
    return "".join([*lines, "ER  - \r\n\r\n"])
