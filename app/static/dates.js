/** Days are Julian day numbers, as the API gives them: years before 1 are as good as any. */

/** Year (0 is 1 BCE), month and day of a day number, in the proleptic Gregorian calendar. */
export function civil(day) {
  const shifted = Math.floor(day) - 1_721_120; // days since 1 March of year 0
  const era = Math.floor(shifted / 146_097);
  const ofEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1_460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const part = Math.floor((5 * ofYear + 2) / 153);
  const month = part < 10 ? part + 3 : part - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: ofYear - Math.floor((153 * part + 2) / 5) + 1,
  };
}

/** The day number of a date. */
export function dayOf(year, month = 1, day = 1) {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const ofEra = shifted - era * 400;
  const ofYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear + 1_721_120;
}

/** A day as ISO 8601 writes it: `1957-01-01`, `-0043-03-15`. */
export function iso(day) {
  const { year, month, day: ofMonth } = civil(day);
  const digits = String(Math.abs(year)).padStart(4, "0");
  return `${year < 0 ? "-" : ""}${digits}-${String(month).padStart(2, "0")}-${String(ofMonth).padStart(2, "0")}`;
}

/** The day number of such a text; null where it is none. */
export function parsed(text) {
  const found = /^(-?\d{4,})-(\d\d)-(\d\d)$/.exec(text ?? "");
  return found && dayOf(Number(found[1]), Number(found[2]), Number(found[3]));
}

export function yearName(year) {
  return year > 0 ? String(year) : `${1 - year} BCE`;
}

/**
 * What a date says, as days: from `first` to before `last` it is possible, within `certain` (or null) it is sure.
 * `openLeft` and `openRight` tell where nothing bounds it. Null where it has no bound at all.
 */
export function span(date) {
  const { earliest_start: a, latest_start: b, earliest_end: c, latest_end: d } = date?.days ?? {};
  const known = [a, b, c, d].filter((bound) => Number.isInteger(bound));
  if (!known.length) return null;
  return {
    first: Math.min(...known),
    last: Math.max(...known) + 1,
    certain: Number.isInteger(b) && Number.isInteger(c) && b <= c ? [b, c + 1] : null,
    openLeft: !Number.isInteger(a),
    // "By 1961" ends with its bound; what began, and of whose end nothing is said, may go on.
    openRight: !Number.isInteger(d) && Number.isInteger(a),
  };
}
