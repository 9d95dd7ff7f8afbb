// What the ledger says of a strategy: alerted beside placed, in money.

import { lines } from "../charts.js";
import { card, empty, h, table } from "../dom.js";
import * as f from "../format.js";
import { t } from "../words.js";

const share = (profit, staked) => (staked > 0 ? profit / staked : null);

/** The accounts as a card; `accounts` is none where the server has no ledger. */
export function ledgerCard(accounts) {
  if (!accounts) return null;
  const strategies = Object.entries(accounts.strategies);
  if (strategies.length === 0) return card(t("inMoney"), empty(t("noLedger")));
  const rows = strategies.flatMap(([name, one]) => [
    { name, kind: t("alerted"), sums: one.alerted, report: one },
    { name, kind: t("placed"), sums: one.placed, report: one },
  ]);
  const money = (value, report) => f.money(value, report.currency);
  const toned = (value, text) => h("span", { class: f.tone(value) }, text);
  const series = strategies.map(([name, one], colour) => ({ name, colour, points: one.equity }));
  const most = series.some((one) => one.points.length > 1);
  return h("section", { class: "card", id: "ledger" },
    h("h2", null, t("inMoney")), h("p", { class: "quiet" }, t("inMoneyNote")),
    table([
      { title: t("strategy"), cell: (row) => row.name },
      { title: "", cell: (row) => row.kind },
      { title: t("count"), right: true, cell: (row) => f.whole(row.sums.bets) },
      { title: t("staked"), right: true, wide: true, cell: (row) => money(row.sums.staked, row.report) },
      { title: t("profit"), right: true, cell: (row) => toned(row.sums.profit, money(row.sums.profit, row.report)) },
      { title: t("claimed"), right: true, wide: true, cell: (row) => (row.sums.bets > 0 ? f.signed(row.sums.claimed_ev) : "–") },
      { title: t("realised"), right: true, cell: (row) => toned(row.sums.profit, f.signed(share(row.sums.profit, row.sums.staked))) },
      { title: t("clv"), right: true, wide: true, cell: (row) => (row.sums.with_clv > 0 ? toned(row.sums.clv, f.signed(row.sums.clv)) : "–") },
      { title: t("bankroll"), right: true, wide: true, cell: (row) => money(row.report.bankroll, row.report) },
    ], rows, t("inMoney")),
    most && h("h3", null, t("bankroll")),
    most && lines({ label: t("bankroll"), series, height: 200, formatX: f.day, formatY: f.whole }));
}
