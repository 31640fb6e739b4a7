/** The ticks of a time axis: days, months or years, as many as there is room for. */

import { civil, dayOf, yearName } from "./dates.js";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const YEARS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];
const APART = 64;

/** The ticks between two days at so many pixels a day: `{ day, label, strong }`. */
export function ticks(from, to, scale) {
  if (scale * 2 >= APART) return daily(from, to, scale >= APART ? 1 : 2);
  if (scale * 7 >= APART) return daily(from, to, 7);
  const months = [1, 3].find((step) => scale * 30 * step >= APART);
  if (months) return monthly(from, to, months);
  return yearly(from, to, YEARS.find((step) => scale * 365 * step >= APART) ?? YEARS.at(-1));
}

function daily(from, to, step) {
  const found = [];
  for (let day = Math.floor(from); day <= to; day++) {
    const { year, month, day: ofMonth } = civil(day);
    // The last days of a month would stand too near the first of the next.
    if (ofMonth === 1) found.push({ day, label: `${MONTHS[month - 1]} ${yearName(year)}`, strong: true });
    else if ((ofMonth - 1) % step === 0 && ofMonth <= 31 - step) {
      found.push({ day, label: `${ofMonth} ${MONTHS[month - 1]}`, strong: false });
    }
  }
  return found;
}

function monthly(from, to, step) {
  const found = [];
  let { year, month } = civil(from);
  month = Math.floor((month - 1) / step) * step;
  for (let day = dayOf(year, month + 1); day <= to; day = dayOf(year, month + 1)) {
    found.push({ day, label: month ? MONTHS[month] : yearName(year), strong: !month });
    month += step;
    if (month > 11) [year, month] = [year + 1, 0];
  }
  return found;
}

function yearly(from, to, step) {
  const found = [];
  let year = Math.floor(civil(from).year / step) * step;
  for (let day = dayOf(year); day <= to; day = dayOf(year)) {
    found.push({ day, label: yearName(year), strong: year % (step * 5) === 0 });
    year += step;
  }
  return found;
}
