"""The vocabularies, the problems and the tables hold together."""

import json
from typing import Any, get_args

import pytest
from pydantic import ValidationError
from sqlalchemy import create_engine, event, insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

from app import models
from app.encoding import dump
from app.errors import PROBLEMS, Fault, Problem, nearest, wrong
from app.packfile import Cite, EstimateEntry, RelationEntry
from app.vocabulary import KINDS, PLURALS, PREDICATES, STANCES, Predicate, Stance


def test_json_is_written_without_a_space_and_with_every_letter():
    body: dict[str, Any] = {
        "name": "Łódź \u2028 毛\x7f",
        "said": 'a "b" \\ \n \x1f',
        "figures": [1, 0.1, 10**30, None, True],
        "of": (1, {}),
    }
    assert dump(body) == json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    with pytest.raises(TypeError):
        dump({"name": object()})


def test_every_word_of_a_vocabulary_is_explained():
    assert set(PREDICATES) == set(get_args(Predicate))
    assert set(STANCES) == set(get_args(Stance))
    assert set(PLURALS) == set(KINDS)


def test_a_problem_names_each_faulty_parameter():
    problem = wrong(Fault(parameter="stance", detail="'assert' is not allowed", nearest="asserted"))
    assert problem.body.model_dump() == {
        "type": "/problems/invalid-parameter",
        "title": "A parameter is wrong",
        "status": 422,
        "detail": "One parameter is wrong: stance: 'assert' is not allowed",
        "errors": [{"parameter": "stance", "detail": "'assert' is not allowed", "nearest": "asserted"}],
        "found_at": None,
    }


@pytest.mark.parametrize("name", PROBLEMS)
def test_no_problem_is_stored_by_a_cache(name):
    problem = Problem(name, "why")
    assert problem.headers["cache-control"] == "no-store"
    assert ("retry-after" in problem.headers) == (problem.status == 503)


@pytest.mark.parametrize(("word", "expected"), [("assert", "asserted"), ("zzz", None)])
def test_nearest(word, expected):
    assert nearest(word, STANCES) == expected


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "either one phrase"),
        ({"phrase": "a", "starts": "b", "ends": "c"}, "either one phrase"),
        ({"starts": "b"}, "either one phrase"),
        ({"phrase": "w " * 13}, "more than 12 words"),
        ({"starts": "w " * 13, "ends": "w"}, "more than 12 words"),
        ({"phrase": "a", "ocurrence": 2}, "Extra inputs"),
    ],
)
def test_a_citation_is_one_short_phrase_or_two_ends(fields, reason):
    with pytest.raises(ValidationError, match=reason):
        Cite.model_validate(fields)


@pytest.mark.parametrize("fields", [{"phrase": "w " * 12}, {"starts": "w " * 6, "ends": "w " * 6}])
def test_a_citation_may_have_twelve_words(fields):
    assert len(Cite.model_validate(fields).fragment.replace("…", "").split()) == 12


@pytest.mark.parametrize("figures", [{"low": 3, "high": 2}, {"low": 1, "high": 3, "value": 4}, {"low": 1, "value": 0}])
def test_an_estimate_out_of_order_is_refused(figures):
    fields = {"id": "e", "name": "E", "summary": "S", "type": "estimate", "measure": "deaths", "subject": "x",
              "cite": ["some words here"]}  # fmt: skip
    assert EstimateEntry.model_validate(fields | {"low": 1, "high": 2}).value is None
    with pytest.raises(ValidationError, match="low ≤ value ≤ high"):
        EstimateEntry.model_validate(fields | figures)


def test_a_length_of_time_has_a_number():
    with pytest.raises(ValidationError) as caught:
        EstimateEntry.model_validate({"duration": "P"})
    assert "duration" in {error["loc"][0] for error in caught.value.errors()}


def test_a_relation_is_named_by_its_triple():
    fields = {"subject": "a", "predicate": "caused", "object": "b", "cite": ["some words here"]}
    assert RelationEntry.model_validate(fields).key == "a.caused.b"


@pytest.fixture
def connection():
    engine = create_engine("sqlite://")
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA foreign_keys = ON"))
    SQLModel.metadata.create_all(engine)
    with engine.begin() as opened:
        yield opened
    engine.dispose()


ROW = {"pk": 1, "id": "a", "kind": "event", "name": "A", "name_key": "a", "summary": "", "document": "{}",
       "stance": "asserted", "polarity": "positive"}  # fmt: skip


@pytest.mark.parametrize("change", [{"kind": "war"}, {"stance": "sure"}, {"stated_start": 2, "stated_end": 1}])
def test_a_table_refuses_what_no_record_can_be(connection, change):
    with pytest.raises(IntegrityError):
        connection.execute(insert(models.Record).values(ROW | change))


ROW_OF_RELATION = {"pk": 1, "id": "r", "subject": 1, "object": 1, "document": "{}", "cited": "[]",
                   "stance": "asserted", "polarity": "positive"}  # fmt: skip
OTHER = {"pk": 2, "id": "s", "predicate": "aided", "causality": "implied"}


def test_only_a_cause_has_causality(connection):
    connection.execute(insert(models.Record).values(ROW))
    relation = ROW_OF_RELATION
    connection.execute(insert(models.Relation).values(relation | {"predicate": "caused", "causality": "implied"}))
    with pytest.raises(IntegrityError):
        connection.execute(insert(models.Relation).values(relation | OTHER))


def test_a_relation_has_two_ends_that_exist(connection):
    connection.execute(insert(models.Record).values(ROW))
    with pytest.raises(IntegrityError):
        connection.execute(insert(models.Relation).values(ROW_OF_RELATION | {"predicate": "aided", "object": 9}))
