"""Forty questions of a teacher, a data journalist and a frontend developer, each answered by one request.

Questions and answers are drawn from the article and not from the API: what is expected here is what the article says.
"""

import csv
import io
import json
import zipfile

import pytest

pytestmark = pytest.mark.anyio


def ids(body, key="items"):
    return [item["id"] for item in body[key]]


def said(body):
    return {(item["predicate"], item["object"]["id"]) for item in body["items"]}


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


TEACHER = [
    ("When was the Great Leap Forward announced, and who announced it?",
     "/events/great-leap-forward-announcement",
     lambda b: (b["date"]["text"], [i["record"]["name"] for i in b["involved"]]), ("In 1957", ["Mao Zedong"])),
    ("What was to happen to steel output, and within what time?", "/estimates?type=target",
     lambda b: [(e["measure"], e["value"], e["unit"], e["duration"]) for e in b["items"]],
     [("steel_output", 2, "times", "P1Y")]),
    ("How many died in China, and who says so?", "/estimates?measure=deaths&place=china",
     lambda b: [(e["low"], e["high"], e["value"], e["attributed_to"]["id"]) for e in b["items"]],
     [(15_000_000, 45_000_000, None, "scholars")]),
    ("Was it the deadliest famine in history?", "/estimates?measure=deadliness",
     lambda b: [e["hedge"] for e in b["items"]], ["one of the"]),
    ("Why did the party split, and does the text say so outright?",
     "/relations?object=party-split&predicate=caused",
     lambda b: [(r["subject"]["id"], r["causality"]) for r in b["items"]], [("pressure-on-mao", "explicit")]),
    ("Who took over as head of state, and when?", "/relations?predicate=succeeded",
     lambda b: [(r["subject"]["name"], r["object"]["name"], r["date"]["text"]) for r in b["items"]],
     [("Liu Shaoqi", "Mao Zedong", "In 1959")]),
    ("Did Mao lose his authority by it?", "/events?polarity=negative&person=mao-zedong",
     ids, ["threat-to-mao-authority"]),
    ("Which office did Mao keep?", "/relations?subject=mao-zedong&predicate=held_office&object=chinese-communist-party",
     lambda b: [r["role"] for r in b["items"]], ["chairman"]),
    ("What did the posters show that may not have been so?", "/events?stance=depicted", ids, ["poster-scenes"]),
    ("In what words did Chinese leaders speak of the Soviet party?", "/quotes?speaker=chinese-leadership&sort=name",
     lambda b: sorted(q["text"] for q in b["items"]), ["any deep knowledge of Marxism", "opportunist and revisionist"]),
    ("With which two events did the Cultural Revolution get under way?",
     "/relations?object=cultural-revolution-under-way&predicate=part_of",
     lambda b: sorted(r["subject"]["id"] for r in b["items"]),
     ["june-1966-editorial", "peking-university-student-action"]),
    ("Who led the students, and is the name given?", "/people?name_known=false",
     lambda b: [(p["description"], p["name_known"]) for p in b["items"]],
     [("philosophy instructor who led the students", False)]),
    ("What did Liu Shaoqi propose?", "/relations?subject=liu-shaoqi&predicate=proposed", said,
     {("proposed", "rehabilitation-of-the-persecuted")}),
    ("Which chain of causes leads from the failures to the split, and how far is it stated?",
     "/paths?from=great-leap-failures&to=party-split&direction=forward",
     lambda b: [(p["strength"], p["weakest"]) for p in b["paths"]],
     [("implied", "great-leap-failures.caused.pressure-on-mao")]),
]  # fmt: skip
JOURNALIST = [
    ("How do the two famines compare?", "/estimates/compare?measure=deaths",
     lambda b: [(r["interval"]["exact_low"], r["interval"]["exact_high"]) for r in b["ratios"]], [("15/7", "9")]),
    ("May I set the steel target beside the deaths?", "/estimates/compare?measure=deaths&measure=steel_output",
     lambda b: len(b["refused"]), 2),
    ("Can I have all events as a table?", "/events?format=csv",
     lambda t: (len(rows(t)), rows(t)[0]["id"]), (44, "purge-of-regional-authorities")),
    ("What does the article let only Mao say, want or believe?", "/records?attributed_to=mao-zedong&limit=200&sort=id",
     ids, ["believed-disloyal-to-mao", "class-struggle", "insinuation-against-liu", "mao-revenge",
           "new-stage-of-socialist-construction", "party-cleansing", "quote-chinese-khrushchevs",
           "quote-class-struggle"]),
    ("What is said by somebody whom nobody names?", "/records?stance=attributed&attributed=false&sort=id", ids,
     ["communists-take-power", "most-serious-split", "persecuted-in-anti-rightist-campaigns",
      "quote-most-serious-split"]),
    ("Which figures rest on the section 'No Lessons Learned'?", "/estimates?section=no-lessons-learned", ids,
     ["one-of-the-deadliest-famines", "soviet-famine-deaths"]),
    ("How much of the article has been read into the data?", "/quality",
     lambda b: [(s["cited_sentences"], s["sentences"]) for s in b["sources"]], [(53, 53)]),
    ("How do I cite the estimate of deaths?", "/estimates/chinese-famine-deaths?format=bibtex",
     lambda t: ("@misc{chinese-famine-deaths" in t, "/v1/estimates/chinese-famine-deaths" in t), (True, True)),
    ("How many causes are stated, and how many only implied?", "/relations?predicate=caused&facets=causality",
     lambda b: {v["value"]: v["count"] for v in b["facets"]["causality"]["values"]}, {"explicit": 7, "implied": 7}),
    ("What may have happened in 1950, though the article does not date it there?",
     "/events?from=1950&to=1950&match=possible&facets=type",
     lambda b: "purge-of-regional-authorities" in ids(b), True),
    ("How many events have no date?", "/events?dated=false&total=true", lambda b: b["total"], 33),
    ("What do the sources say of Liu Shaoqi, and who says it?", "/records/liu-shaoqi/evidence?stance=attributed",
     lambda b: {e["attributed_to"]["id"] for e in b["items"]}, {"mao-zedong", "liu-shaoqi"}),
    ("Where is the famine spoken of?", "/search?q=famine&kind=event",
     lambda b: {"great-leap-famine", "soviet-famine"} <= set(ids(b)), True),
    ("I wrote 'Krushchev'. What did I mean?", "/search?q=Krushchev", lambda b: b["did_you_mean"]["q"], "Khrushchev"),
    ("Can I take everything with me?", "/export?format=datapackage",
     lambda z: sorted(zipfile.ZipFile(io.BytesIO(z)).namelist())[:2], ["citations.csv", "datapackage.json"]),
    ("In which decade did most happen?", "/timeline?bucket=decade",
     lambda b: [(each["label"], each["starting"]) for each in b["buckets"]], [("1950s", 4), ("1960s", 7)]),
]  # fmt: skip
DEVELOPER = [
    ("What do I feed TimelineJS with?", "/timeline?format=timelinejs",
     lambda b: all(e["start_date"]["year"] and e["text"]["headline"] for e in b["events"]), True),
    ("What do I feed Cytoscape.js with?", "/records/mao-zedong/neighbors?format=cytoscape",
     lambda b: b["elements"]["nodes"][0]["data"]["id"], "mao-zedong"),
    ("What completes 'liu'?", "/suggest?q=liu", lambda b: next((i["id"], i["hint"]) for i in b["items"]),
     ("liu-shaoqi", "person")),
    ("Can a person's page be built from one request?",
     "/people/mao-zedong?include=records,relations,citations",
     lambda b: (len(b["offices"]), len(b["included"]["relations"]) == b["relation_count"]), (2, True)),
    ("Which types of event can I offer in a menu, with numbers and links?", "/events?facets=type&limit=1",
     lambda b: next((v["value"], v["count"]) for v in b["facets"]["type"]["values"]), ("criticism", 4)),
    ("Can I have names and ids of all people, and nothing else?", "/people?fields=id,name&limit=200",
     lambda b: (len(b["items"]), sorted(b["items"][0])), (6, ["id", "name"])),
    ("What is anchored in a paragraph, and where exactly?", "/passages/hartnett-great-leap-forward-p2",
     lambda b: (b["anchors"][0]["start"], b["anchors"][0]["target"]["name"]), (0, "The Great Leap Forward")),
    ("Which offsets does JavaScript need?", "/records/mao-resignation/evidence?units=utf16",
     lambda b: (b["units"], {s["type"] for e in b["items"] for s in e["target"]["selector"]}),
     ("utf16", {"TextQuoteSelector", "TextPositionSelector"})),
    ("What sort of thing is 'china'?", "/records/china", lambda b: (b["kind"], b["links"]["self"]),
     ("place", "/v1/places/china")),
    ("Which predicates occur, in words?", "/relations?facets=predicate&limit=1",
     lambda b: {v["value"] for v in b["facets"]["predicate"]["values"]} >= {"caused", "held_office"}, True),
    ("Who may have been head of state in 1958, and in 1961?",
     "/relations?predicate=held_office&object=chinese-state&from=1958&to=1961&match=possible&sort=-start",
     lambda b: sorted(r["subject"]["id"] for r in b["items"]), ["liu-shaoqi", "mao-zedong"]),
    ("Is there linked data?", "/people/mao-zedong?format=jsonld", lambda b: sorted(b)[:2], ["@context", "@graph"]),
]  # fmt: skip


def test_there_are_forty():
    assert len(TEACHER + JOURNALIST + DEVELOPER) >= 40


@pytest.mark.parametrize(("question", "target", "pick", "answer"), TEACHER + JOURNALIST + DEVELOPER)
async def test_one_request_answers(client, question, target, pick, answer):
    response = await client.get(f"/v1{target}")
    assert response.status_code == 200, (question, response.text)
    media = response.headers["content-type"]
    body = response.content if "zip" in media else json.loads(response.text) if "json" in media else response.text
    assert pick(body) == answer, question
