/** The eight kinds of record, as the API names them, and how what is said of one is put into words. */

export const KINDS = {
  event: "events", person: "people", policy: "policies", estimate: "estimates",
  organization: "organizations", place: "places", quote: "quotes", source: "sources",
};

/** Such as `change of office`, of `change_of_office`. */
export function plain(term) {
  return term.replaceAll("_", " ");
}

export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Who says it: a name; or that no name is given; or the source's author, whose words are not attributed. */
export function voice({ stance, attributed_to: who }) {
  return who?.name ?? (stance === "attributed" ? "an unnamed voice" : "the author");
}

/** What keeps a statement from being a plain assertion, in a few words; none where it is one. */
export function marks({ stance, polarity, causality }) {
  return [
    stance && stance !== "asserted" ? plain(stance) : null,
    polarity === "negative" ? "denied" : null,
    causality ? `${causality} cause` : null,
  ].filter(Boolean);
}

/** The stances that draw a dashed edge: what is aimed at, proposed, depicted or said by somebody else. */
const DASHED = ["goal", "proposal", "depicted", "attributed"];

export function isDashed({ stance }) {
  return DASHED.includes(stance);
}

/** A figure as it is given: a range, a number, or an end alone. */
export function figure({ low, high, value, unit, approximate }) {
  const number = (each) => each.toLocaleString("en");
  const open = low !== null ? `at least ${number(low)}` : high !== null ? `at most ${number(high)}` : null;
  const range = low !== null && high !== null ? `${number(low)} to ${number(high)}` : open;
  const given = value === null ? range : range ? `${number(value)}, within ${range}` : number(value);
  return given && `${approximate ? "about " : ""}${given}${unit ? ` ${unit}` : ""}`;
}
