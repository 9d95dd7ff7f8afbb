// The rules in force, and whether this process would set the same.

import { get } from "../client.js";
import { card, empty, h } from "../dom.js";
import * as f from "../format.js";
import { t } from "../words.js";

const RULES = ["account", "books", "strategies", "closing", "settlement"];

/** A value of the configuration, its tables as lists of terms. */
function shown(value) {
  if (value === null || typeof value !== "object") return h("code", null, String(value ?? "–"));
  if (Array.isArray(value)) return h("code", null, value.length > 0 ? value.map((one) => (typeof one === "object" ? JSON.stringify(one) : one)).join(", ") : "[]");
  return h("dl", null, Object.entries(value).map(([key, one]) =>
    [h("dt", null, key), h("dd", null, shown(one))]));
}

const ordered = (value) =>
  value && typeof value === "object" && !Array.isArray(value)
    ? Object.fromEntries(Object.keys(value).sort().map((key) => [key, ordered(value[key])]))
    : value;
const same = (a, b) => JSON.stringify(ordered(a)) === JSON.stringify(ordered(b));

export async function show({ signal }) {
  const settings = await get("/settings", {}, signal);
  const force = settings.in_force;
  const agree = force && RULES.every((name) => same(force.rules[name], settings.process[name]));
  return h("div", { class: "page" },
    h("div", { class: "head" }, h("h1", null, t("settings")), h("span", { class: "quiet" }, `${t("version")} ${settings.version}`)),
    settings.clock === "event" && h("p", { class: "notice" }, `${t("timeIs")}: ${f.whenFull(settings.now)}`),
    h("p", { class: `notice ${agree ? "good" : "warn"}`, id: "agreement" }, t(force ? (agree ? "same" : "differ") : "noRules")),
    h("div", { class: "columns even" },
      card(t("inForce"), force ? [h("p", { class: "quiet" }, `${t("number")} ${force.number}`), h("div", { class: "tree" }, shown(force.rules))] : empty(t("noRules"))),
      card(t("process"), h("div", { class: "tree" }, shown(settings.process)))));
}
