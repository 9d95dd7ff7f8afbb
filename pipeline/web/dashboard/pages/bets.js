// The bets, the newest first, as they come.

import { get } from "../client.js";
import { badge, empty, h, tile } from "../dom.js";
import * as f from "../format.js";
import { t } from "../words.js";

const STATES = ["", "placeable", "open", "settled"];
const LEAST = ["", "0.02", "0.05", "0.1"];
const PAGE = 40;

const filter = { state: "", strategy: "", market: "", ev_min: "" };

/** How a bet ended, or that it can be placed. */
export function ending(row) {
  if (row.outcome) {
    const tones = { win: "good", half_win: "good", loss: "bad", half_loss: "bad" };
    return badge(t(row.outcome), tones[row.outcome] ?? "");
  }
  return row.state === "placeable" ? badge(t("placeable"), "accent") : badge(t("open"), "");
}

/** What to stake: the portfolio's grant, else the share that was asked for. */
export const stake = (row) =>
  row.granted ? f.money(row.granted.stake, row.granted.currency) : f.percent(row.stake, 2);

/** One bet as a card of the list. */
export function betCard(row, fresh) {
  return h("li", { class: `bet ${row.state} ${fresh ? "fresh" : ""}`, "data-bet": row.bet },
    h("div", { class: "who" },
      h("a", { class: "match", href: f.matchLink(row.match) }, `${row.home} – ${row.away}`),
      h("span", { class: "quiet" }, row.competition, " · ", f.countdown(row.kickoff), row.score ? ` · ${row.score[0]}–${row.score[1]}` : "")),
    h("div", { class: "what" },
      h("strong", null, f.pick(row)),
      h("span", { class: "quiet" }, f.market(row.market), " · ", row.book)),
    h("div", { class: "price" }, h("span", { class: "label" }, t("odds")), h("strong", null, f.odds(row.odds))),
    h("div", { class: "ev" }, h("span", { class: "label" }, t("ev")), h("strong", { class: "good" }, f.signed(row.ev))),
    h("div", { class: "stake" }, h("span", { class: "label" }, t("stake")), h("strong", null, stake(row))),
    h("div", { class: "end" },
      h("span", { class: "label" }, row.state === "settled" ? t("clv") : t("age")),
      row.state === "settled" ? h("strong", { class: f.tone(row.clv) }, f.signed(row.clv)) : f.since(row.quoted_at)),
    h("div", { class: "state" }, ending(row),
      h("a", { class: "why", href: f.betLink(row.bet), "aria-label": `${t("why")}: ${row.home} – ${row.away}, ${f.pick(row)}` }, t("whyShort"))));
}

function fits(row) {
  return (!filter.state || filter.state === row.state)
    && (!filter.strategy || filter.strategy === row.strategy)
    && (!filter.market || row.market.startsWith(filter.market))
    && (!filter.ev_min || row.ev >= Number(filter.ev_min));
}

function chooser(name, label, options, change) {
  const select = h("select", { id: `filter-${name}`, onchange: (event) => { filter[name] = event.target.value; change(); } },
    options.map(([value, text]) => h("option", { value, selected: filter[name] === value }, text)));
  return h("label", { class: "chooser" }, h("span", { class: "unseen" }, label), select);
}

function sums(performance) {
  const all = Object.entries(performance.strategies);
  if (all.length === 0) return null;
  return h("div", { class: "tiles" }, all.map(([name, one]) =>
    tile(`${name} · ${f.whole(one.bets)} ${t("count").toLowerCase()}`, `${t("clv")} ${f.signed(one.clv_mean)}`,
      `${t("claimed")} ${f.signed(one.claimed_ev)} · ${t("realised")} ${f.signed(one.yield)}`, f.tone(one.clv_mean))));
}

export async function show({ on, say, signal }) {
  const performance = await get("/performance", {}, signal);
  const strategies = Object.keys(performance.strategies);
  const markets = [...new Set(performance.markets.map((part) => part.name))];
  const list = h("ul", { class: "bets", id: "bets" });
  const more = h("button", { type: "button", class: "more" }, t("more"));
  const total = h("span", { class: "quiet", id: "total" });
  let next = null;
  let count = 0;

  const load = async (cursor) => {
    const page = await get("/bets", { ...filter, limit: PAGE, cursor }, signal);
    if (!cursor) list.replaceChildren();
    list.append(...page.items.map((row) => betCard(row)));
    if (list.children.length === 0) list.append(h("li", null, empty(t(filter.state === "placeable" ? "noPlaceable" : "noBets"))));
    next = page.next;
    count = page.total;
    more.hidden = !next;
    total.textContent = `${f.whole(count)} ${t("count").toLowerCase()}`;
  };
  const anew = async () => { await load(null); say(total.textContent); };
  more.addEventListener("click", () => load(next));

  const chips = h("div", { class: "chips", role: "group", "aria-label": t("state") });
  const drawChips = () => chips.replaceChildren(...STATES.map((state) =>
    h("button", {
      type: "button", "aria-pressed": String(filter.state === state), "data-state": state,
      onclick: () => { filter.state = state; drawChips(); anew(); },
    }, t(state || "all"))));
  drawChips();

  on((kind, row) => {
    if (kind === "reset") { anew(); return; }
    const known = list.querySelector(`[data-bet="${row.bet}"]`);
    if (known) {
      if (fits(row)) known.replaceWith(betCard(row));
      else known.remove();
    } else if (kind === "bet" && fits(row)) {
      list.querySelector(".empty")?.parentNode.remove();
      list.prepend(betCard(row, true));
      while (list.children.length > 400) list.lastElementChild.remove();
      count += 1;
      total.textContent = `${f.whole(count)} ${t("count").toLowerCase()}`;
      say(`${t("newBet")}: ${row.home} – ${row.away}, ${f.pick(row)}, ${f.odds(row.odds)}`);
    }
  });
  await load(null);
  return h("div", { class: "page" },
    h("div", { class: "head" }, h("h1", null, t("bets")), total),
    sums(performance),
    h("div", { class: "filters" }, chips,
      chooser("strategy", t("strategy"), [["", t("anyStrategy")], ...strategies.map((one) => [one, one])], anew),
      chooser("market", t("market"), [["", t("anyMarket")], ...markets.map((one) => [one, one])], anew),
      chooser("ev_min", t("evMin"), LEAST.map((one) => [one, one ? `EV ≥ ${f.percent(Number(one), 0)}` : t("anyEv")]), anew)),
    list, more);
}
