// Matches by kick-off.

import { get } from "../client.js";
import { badge, empty, h } from "../dom.js";
import * as f from "../format.js";
import { t } from "../words.js";

const WHEN = ["", "coming", "running", "over"];
const PAGE = 60;
const filter = { when: "", team: "" };

const row = (one) =>
  h("li", null, h("a", { class: "fixture", href: f.matchLink(one.match) },
    h("span", { class: "kick" }, f.when(one.kickoff)),
    h("span", { class: "sides" }, h("span", null, one.home), h("span", null, one.away)),
    h("span", { class: "score" }, one.score ? [h("span", null, one.score[0]), h("span", null, one.score[1])] : ""),
    h("span", { class: "quiet more-of" }, `${one.competition} · ${one.books} ${t("books").toLowerCase()}`),
    one.bets > 0 ? badge(one.bets === 1 ? t("oneBet") : t("nBets", one.bets), "accent") : h("span")));

export async function show({ say, signal }) {
  const list = h("ul", { class: "fixtures" });
  const more = h("button", { type: "button", class: "more" }, t("more"));
  const total = h("span", { class: "quiet" });
  let next = null;
  const load = async (cursor) => {
    // What is to come begins with the next match; all else with the newest.
    const page = await get("/fixtures", { ...filter, newest_first: filter.when !== "coming", limit: PAGE, cursor }, signal);
    if (!cursor) list.replaceChildren();
    list.append(...page.items.map(row));
    if (list.children.length === 0) list.append(h("li", null, empty(t("noMatches"))));
    next = page.next;
    more.hidden = !next;
    total.textContent = f.whole(page.total);
  };
  const anew = async () => { await load(null); say(`${total.textContent} ${t("matches")}`); };
  more.addEventListener("click", () => load(next));
  const chips = h("div", { class: "chips", role: "group", "aria-label": t("state") });
  const drawChips = () => chips.replaceChildren(...WHEN.map((when) =>
    h("button", { type: "button", "aria-pressed": String(filter.when === when), onclick: () => { filter.when = when; drawChips(); anew(); } }, t(when || "all"))));
  drawChips();
  let typed = null;
  const find = h("input", {
    type: "search", id: "team", placeholder: t("findTeam"), "aria-label": t("findTeam"), value: filter.team,
    oninput: (event) => {
      filter.team = event.target.value.trim();
      clearTimeout(typed);
      typed = setTimeout(anew, 200);
    },
  });
  await load(null);
  return h("div", { class: "page" },
    h("div", { class: "head" }, h("h1", null, t("matches")), total),
    h("div", { class: "filters" }, chips, find), list, more);
}
