// Why there is a bet: each number with what it comes from.

import { get } from "../client.js";
import { badge, h, tile } from "../dom.js";
import * as f from "../format.js";
import { t } from "../words.js";
import { ending } from "./bets.js";

const OUTCOMES = ["win", "half_win", "push", "half_loss", "loss"];

const step = (title, ...lines) =>
  h("li", { class: "step" }, h("h2", null, title), lines.flat().filter(Boolean).map((line) => (line instanceof Node ? line : h("p", null, line))));
const formula = (text) => h("p", { class: "formula" }, text);
const place = (found) => h("p", { class: "quiet" }, t("inLog", `${found.stream} ${found.address}`));
const outcomes = (row) =>
  OUTCOMES.map((name, index) => [name, row[index]]).filter(([, value]) => value > 0)
    .map(([name, value]) => `${t(`p_${name}`)} ${f.percent(value, 2)}`).join(", ");

function prices(selections, odds) {
  return h("p", { class: "prices" }, selections.map((name, index) => h("span", null, `${name} `, h("strong", null, f.odds(odds[index])))));
}

function fair(chain) {
  const { fair: one } = chain.bet.event;
  const sums = chain.arithmetic;
  return step(t("step2"),
    h("p", null, badge(one.source, "accent")),
    (one.references ?? []).map((reference) =>
      `${reference.book}, ${f.market(reference.market)}: ${reference.odds.map(f.odds).join(" / ")}`),
    sums.overround && formula(t("overround", f.decimal(sums.overround, 4), one.devig)),
    formula(t("probability", f.decimal(sums.probability, 4), f.decimal(sums.fair_odds, 3))),
    outcomes(one.outcomes));
}

function value(chain) {
  const sums = chain.arithmetic;
  const [win, halfWin, , halfLoss, loss] = chain.bet.event.fair.outcomes;
  const halves = halfWin > 0 || halfLoss > 0;
  const gain = `(${f.decimal(sums.net_odds, 3)} − 1)`;
  return step(t("step3"),
    formula(halves
      ? `EV = ${gain} × (${f.decimal(win)} + ½ × ${f.decimal(halfWin)}) − ½ × ${f.decimal(halfLoss)} − ${f.decimal(loss)} = ${f.signed(sums.ev, 2)}`
      : `EV = ${f.decimal(win)} × ${gain} − ${f.decimal(loss)} = ${f.signed(sums.ev, 2)}`),
    t("fullKelly", f.percent(sums.kelly_alone, 2), f.percent(chain.bet.event.stake, 2)));
}

function model(chain) {
  const lines = [];
  if (chain.prediction) {
    const { event } = chain.prediction;
    lines.push(t("expected", f.decimal(event.lambda, 2), f.decimal(event.mu, 2)), outcomes(event.outcomes), place(chain.prediction));
  }
  if (chain.model) {
    const { event } = chain.model;
    lines.push(
      t("modelTrained", event.number, event.family, f.whole(event.training.matches), f.day(event.training.from), f.day(event.training.to)),
      h("p", { class: "quiet hash" }, event.hash));
  }
  return step(t("step4"), lines.length > 0 ? lines : t("noModel"));
}

function rules(chain) {
  if (!chain.config) return null;
  const { number, strategy } = chain.config.event;
  return step(t("step5"),
    t("rules", number, f.percent(strategy.ev_min), f.odds(strategy.odds_min), f.odds(strategy.odds_max), f.decimal(strategy.kelly_fraction, 2), f.percent(strategy.match_max)),
    place(chain.config));
}

function grant(chain) {
  const one = chain.grant;
  if (!one) return step(t("step6"), t("notGranted"));
  return step(t("step6"),
    t("grantedOf", f.money(one.stake, one.currency), f.money(one.bankroll, one.currency)),
    one.capped_by?.length > 0 && t("cappedBy", one.capped_by.join(", ")));
}

function end(chain) {
  const last = chain.settlements[chain.settlements.length - 1];
  if (!last) return step(t("step7"), t("notSettled"));
  return step(t("step7"),
    h("p", null, ending({ outcome: last.outcome }), last.score && ` ${last.score[0]}–${last.score[1]}`),
    t("unitProfit", f.plus(last.profit)),
    last.clv ? formula(t("clvOf", f.decimal(last.net_odds, 3), f.decimal(last.clv.probability), f.signed(last.clv.value, 2), last.clv.reference.book)) : t("noClv"));
}

export async function show({ id, signal }) {
  const [chain, row] = await Promise.all([
    get(`/why/${encodeURIComponent(id)}`, {}, signal),
    get(`/bets/${encodeURIComponent(id)}`, {}, signal),
  ]);
  const bet = chain.bet.event;
  const quote = chain.quote?.event;
  return h("div", { class: "page" },
    h("p", { class: "back" }, h("a", { href: "#/bets" }, `← ${t("backBets")}`)),
    h("div", { class: "head" }, h("h1", null, `${row.home} – ${row.away}`), ending(row)),
    h("p", { class: "quiet" }, row.competition, " · ", f.whenFull(row.kickoff), " · ", t("strategy"), " ", row.strategy, " · ", h("a", { href: f.matchLink(row.match) }, t("match"))),
    h("div", { class: "tiles" },
      tile(f.market(bet.market), f.pick(row), bet.book),
      tile(t("odds"), f.odds(bet.odds), bet.net_odds === bet.odds ? "" : `net ${f.odds(bet.net_odds)}`),
      tile(t("ev"), f.signed(bet.ev), "", "good"),
      tile(t("clv"), f.signed(row.clv), "", f.tone(row.clv))),
    h("ol", { class: "chain", "aria-label": t("why") },
      step(t("step1"), quote
        ? [prices(quote.odds.map((_, index) => f.selection(f.selections(quote.market)?.[index] ?? String(index + 1), row)), quote.odds),
          t("quotedAt", f.whenFull(bet.quoted_at), quote.src), place(chain.quote)]
        : t("trimmed")),
      fair(chain), value(chain), model(chain), rules(chain), grant(chain), end(chain)),
    h("p", { class: "quiet hash" }, bet.bet));
}
