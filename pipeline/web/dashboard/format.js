// Numbers, instants and names as people read them.

import { h } from "./dom.js";
import { language, t } from "./words.js";

const locale = () => (language() === "pt" ? "pt-BR" : "en-GB");
const number = (value, digits) =>
  new Intl.NumberFormat(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);

export const whole = (value) => number(value ?? 0, 0);
export const odds = (value) => number(value, value >= 10 ? 1 : 2);
export const decimal = (value, digits = 4) => (value == null ? "–" : number(value, digits));
export const percent = (share, digits = 1) => (share == null ? "–" : `${number(share * 100, digits)}\u00a0%`);
export const signed = (share, digits = 1) => {
  if (share == null) return "–";
  const text = number(Math.abs(share * 100), digits);
  return `${share < 0 ? "−" : "+"}${text}\u00a0%`;
};
export const plus = (value, digits = 3) =>
  value == null ? "–" : `${value < 0 ? "−" : "+"}${number(Math.abs(value), digits)}`;
export const money = (amount, currency) =>
  new Intl.NumberFormat(locale(), { style: "currency", currency, maximumFractionDigits: 2 }).format(amount);
export const bytes = (count) => {
  if (count >= 2 ** 20) return `${number(count / 2 ** 20, 1)}\u00a0MB`;
  return `${number(count / 1024, 0)}\u00a0kB`;
};
export const tone = (value) => (value == null || value === 0 ? "" : value > 0 ? "good" : "bad");

// Instants are microseconds since 1970.
export const date = (us) => new Date(us / 1000);
export const day = (us) => new Intl.DateTimeFormat(locale(), { dateStyle: "medium" }).format(date(us));
export const when = (us) =>
  us == null ? "–" : new Intl.DateTimeFormat(locale(), { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }).format(date(us));
export const whenFull = (us) =>
  us == null ? "–" : new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(date(us));

/** A span of seconds in its two largest units: `2 d 3 h`. */
export function span(seconds) {
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  let left = Math.max(0, Math.round(seconds));
  const parts = [];
  for (const [name, size] of units) {
    const count = Math.floor(left / size);
    if (count > 0 || (parts.length === 0 && size === 1)) parts.push(`${count}\u00a0${name}`);
    left -= count * size;
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}

// What counts as now: this machine's clock, or the log's.
let offset = 0;
let frozen = null;
export function setClock(settings) {
  frozen = settings.clock === "event" ? settings.now : null;
  offset = settings.clock === "event" ? 0 : settings.now - Date.now() * 1000;
}
export const now = () => frozen ?? Date.now() * 1000 + offset;
export const follow = (us) => { if (frozen !== null) frozen = Math.max(frozen, us); };

/** The time until an instant, counting down by itself. */
export const countdown = (us) => h("time", { class: "countdown", "data-until": us, datetime: date(us).toISOString() }, until(us));
/** The time since an instant, counting up by itself. */
export const since = (us) => h("time", { class: "countdown", "data-since": us, datetime: date(us).toISOString() }, span((now() - us) / 1e6));
const until = (us) => (us > now() ? span((us - now()) / 1e6) : when(us));

export function tick() {
  for (const one of document.querySelectorAll("[data-until]")) one.textContent = until(Number(one.dataset.until));
  for (const one of document.querySelectorAll("[data-since]")) one.textContent = span((now() - Number(one.dataset.since)) / 1e6);
}

/** A market's name. */
export function market(text) {
  const [name, period] = text.split("/");
  const [kind, line] = name.split("@");
  const known = { "1x2": "1X2", ou: t("ou", line), ah: t("ah", line), btts: t("btts"), dnb: t("dnb"), dc: t("dc") };
  const shown = known[kind] ?? (line ? `${kind} ${line}` : kind);
  return period ? `${shown} (${period})` : shown;
}

/** The selections of a market that are named here, in the order of its odds. */
export function selections(text) {
  const kind = text.split("/")[0].split("@")[0];
  const known = { "1x2": ["home", "draw", "away"], ah: ["home", "away"], dnb: ["home", "away"], btts: ["yes", "no"] };
  return known[kind] ?? (kind.startsWith("ou") ? ["over", "under"] : null);
}

/** A selection's name, with the side that it is. */
export function selection(text, sides) {
  if (text === "home" && sides) return sides.home;
  if (text === "away" && sides) return sides.away;
  if (text === "over") return t("overSel");
  return t(text);
}

/** What a bet is on: the selection, with its line where the market has one. */
export function pick(bet) {
  const name = selection(bet.selection, bet);
  const [kind, line] = bet.market.split("/")[0].split("@");
  if (line === undefined) return name;
  if (kind !== "ah") return `${name} ${line}`;
  const own = bet.selection === "away" ? -Number(line) : Number(line);
  return `${name} ${own > 0 ? "+" : own < 0 ? "−" : ""}${Math.abs(own)}`;
}

export const matchLink = (key) => `#/matches/${encodeURIComponent(key)}`;
export const betLink = (bet) => `#/bets/${bet}`;
