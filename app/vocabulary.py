"""The closed vocabularies: who says a thing and how, and what a relation may state.

They are data. A pack may use only what stands here, the API documents it word for word, and a new article that
needs another predicate adds one line.
"""

from typing import Literal, NamedTuple, get_args

Kind = Literal["event", "person", "policy", "estimate", "organization", "place", "quote", "source"]
KINDS: tuple[Kind, ...] = get_args(Kind)

PLURALS: dict[Kind, str] = {
    "event": "events",
    "person": "people",
    "policy": "policies",
    "estimate": "estimates",
    "organization": "organizations",
    "place": "places",
    "quote": "quotes",
    "source": "sources",
}

Stance = Literal["asserted", "evaluative", "attributed", "depicted", "goal", "proposal", "counterfactual"]
STANCES: dict[Stance, str] = {
    "asserted": "the author states it as a fact",
    "evaluative": "the author's judgement",
    "attributed": "somebody else says it",
    "depicted": "it is shown, on a poster for instance, and perhaps untrue",
    "goal": "somebody aimed at it",
    "proposal": "somebody suggested it",
    "counterfactual": "it might have been, in other circumstances",
}

Polarity = Literal["positive", "negative"]
Causality = Literal["explicit", "implied"]
EstimateType = Literal["estimate", "target", "superlative", "ratio"]
QuoteForm = Literal["direct", "reported"]

Predicate = Literal[
    "affected",
    "aided",
    "aimed_at",
    "announced",
    "called_on",
    "carried_out",
    "caused",
    "compared_with",
    "criticized",
    "deferred_to",
    "described",
    "emulated",
    "enacted_as",
    "headed",
    "held_office",
    "initiated",
    "judged",
    "liaised_with",
    "located_in",
    "member_of",
    "opposed",
    "part_of",
    "participated_in",
    "preceded",
    "proposed",
    "published",
    "punished",
    "rivaled",
    "spoke_at",
    "succeeded",
    "supported",
    "used",
]


class Term(NamedTuple):
    """A predicate read both ways: subject → object, and object → subject."""

    label: str
    inverse: str
    meaning: str
    causal: bool = False


PREDICATES: dict[Predicate, Term] = {
    "affected": Term("affected", "was affected by", "the subject had an effect, good or ill, on the object"),
    "aided": Term("aided", "was aided by", "the subject gave help to the object"),
    "aimed_at": Term("aimed at", "was an aim of", "the object is a goal of the subject"),
    "announced": Term("announced", "was announced by", "the subject made the object public"),
    "called_on": Term("called on", "was called on by", "the subject summoned or ordered the object to act"),
    "carried_out": Term("carried out", "was carried out by", "the subject put the object into practice"),
    "caused": Term("caused", "was caused by", "the object came about through the subject", causal=True),
    "compared_with": Term("is compared with", "is compared with", "the text sets the two side by side"),
    "criticized": Term("criticized", "was criticized by", "the subject found fault with the object"),
    "deferred_to": Term("deferred to", "was deferred to by", "the subject gave way to, or leaned on, the object"),
    "described": Term("described", "was described by", "the subject spoke of, or showed, the object in certain terms"),
    "emulated": Term("emulated", "was emulated by", "the subject followed the object's example"),
    "enacted_as": Term("was enacted as", "enacted", "the policy (subject) took place as the event (object)"),
    "headed": Term("headed", "was headed by", "the subject led the object"),
    "held_office": Term("held office in", "had as office-holder", "the subject held the office named by the role"),
    "initiated": Term("initiated", "was initiated by", "the subject set the object going"),
    "judged": Term("judged", "was judged by", "the subject held a view of the object"),
    "liaised_with": Term("liaised with", "liaised with", "the subject was a go-between with the object"),
    "located_in": Term("is located in", "is the location of", "the subject is, or took place, in the object"),
    "member_of": Term("is a member of", "has as a member", "the subject belongs to the object"),
    "opposed": Term("opposed", "was opposed by", "the subject acted or spoke against the object"),
    "part_of": Term("is part of", "has as a part", "the subject is a part of the object"),
    "participated_in": Term("participated in", "had as a participant", "the subject took part in the object"),
    "preceded": Term("preceded", "followed", "the subject came before the object; no cause is stated"),
    "proposed": Term("proposed", "was proposed by", "the subject suggested the object"),
    "published": Term("published", "was published by", "the subject brought out the object"),
    "punished": Term("punished", "was punished by", "the subject penalised, purged or rebuked the object"),
    "rivaled": Term("was a rival of", "was a rival of", "the two strove for the same thing"),
    "spoke_at": Term("spoke at", "was spoken at by", "the subject gave a speech or statement at the object"),
    "succeeded": Term("succeeded", "was succeeded by", "the subject took the object's place"),
    "supported": Term("supported", "was supported by", "the subject stood up for the object"),
    "used": Term("used", "was used by", "the subject employed the object as a means"),
}
