// How the bets did: what was claimed stands beside what came of it.

import { bars, diagonal, lines } from "../charts.js";
import { get } from "../client.js";
import { card, empty, h, table, tile } from "../dom.js";
import * as f from "../format.js";
import { t } from "../words.js";
import { ledgerCard } from "./ledger.js";

function strategy(name, one) {
  const ci = one.yield_ci95;
  return h("section", { class: "card strategy" },
    h("h2", null, name),
    h("div", { class: "tiles" },
      tile(t("count"), f.whole(one.bets), `${f.whole(one.settled)} ${t("settled").toLowerCase()}, ${one.void} ${t("void")}`),
      tile(t("claimed"), f.signed(one.claimed_ev)),
      tile(t("realised"), f.signed(one.yield), ci ? t("interval", f.signed(ci[0]), f.signed(ci[1])) : "", f.tone(one.yield)),
      tile(t("clv"), f.signed(one.clv_mean), one.clv_coverage == null ? "" : t("coverage", f.percent(one.clv_coverage, 0)), f.tone(one.clv_mean))));
}

function parts(title, rows) {
  if (rows.length === 0) return null;
  const signed = (value, digits) => h("span", { class: f.tone(value) }, f.signed(value, digits));
  return card(title, table([
    { title, cell: (row) => row.name },
    { title: t("strategy"), cell: (row) => row.strategy },
    { title: t("count"), right: true, cell: (row) => f.whole(row.bets) },
    { title: t("profit"), right: true, wide: true, cell: (row) => signed(row.profit, 2) },
    { title: t("yield"), right: true, cell: (row) => signed(row.yield) },
    { title: t("clv"), right: true, cell: (row) => signed(row.clv_mean) },
  ], [...rows].sort((a, b) => b.bets - a.bets), title));
}

function forecasts(all) {
  const scored = (name, one, digits) =>
    tile(name, f.decimal(one.model, digits), one.closing == null ? "" : t("closingOdds", f.decimal(one.closing, digits)),
      one.model == null ? "" : one.model <= one.closing ? "good" : "bad");
  if (all.scored_matches === 0) return null;
  return card(t("forecasts", f.whole(all.scored_matches)),
    h("div", { class: "tiles" }, scored(t("rps"), all.rps, 5), scored(t("logLoss"), all.log_loss, 5)),
    h("p", { class: "quiet" }, t("lowerBetter")));
}

export async function show({ signal }) {
  // A server without a ledger shows the rest.
  const money = get("/ledger", {}, signal).catch(() => null);
  const [all, accounts] = await Promise.all([get("/performance", {}, signal), money]);
  const names = Object.keys(all.strategies);
  if (names.length === 0) return h("div", { class: "page" }, h("h1", null, t("performance")), empty(t("nothing")));
  const equity = names.flatMap((name, colour) => {
    const points = all.equity[name] ?? [];
    return [
      { name, colour, points: points.map((one) => [one.at, one.profit]) },
      { name: t("saidSeries", name), colour, dashed: true, points: points.map((one) => [one.at, one.claimed]) },
    ];
  });
  const dots = names.map((name) => ({
    name,
    dots: (all.calibration[name] ?? []).map((bin) => ({
      x: bin.said, y: bin.won, weight: bin.bets,
      title: `${name}: ${t("said")} ${f.percent(bin.said)}, ${t("won")} ${f.percent(bin.won)}, ${f.whole(bin.bets)} ${t("count").toLowerCase()}`,
    })),
  }));
  const clv = names.filter((name) => (all.clv[name] ?? []).some((bin) => bin.bets > 0));
  return h("div", { class: "page" },
    h("h1", null, t("performance")),
    h("div", { class: "columns even" }, names.map((name) => strategy(name, all.strategies[name]))),
    card(t("equity"), h("p", { class: "quiet" }, t("equityNote")),
      lines({ label: t("equity"), series: equity, height: 300, zero: true, formatX: f.day, formatY: (value) => f.percent(value, 0) }) ?? empty(t("nothing"))),
    ledgerCard(accounts),
    h("div", { class: "columns even" },
      card(t("calibration"), h("p", { class: "quiet" }, t("calibrationNote")),
        diagonal({ label: t("calibration"), groups: dots, format: (value) => f.percent(value, 0) })),
      card(t("clv"), h("p", { class: "quiet" }, t("clvNote")),
        clv.map((name) => [h("h3", null, name), bars({
          label: `${t("clv")}, ${name}`, height: 150, formatY: f.whole,
          bars: all.clv[name].map((bin) => ({ name: f.signed(bin.from, 0), value: bin.bets, tone: bin.from >= 0 ? "up" : "down" })),
        })]))),
    h("div", { class: "columns even" }, parts(t("byMarket"), all.markets), parts(t("byBook"), all.books), parts(t("byCompetition"), all.competitions), forecasts(all)));
}
