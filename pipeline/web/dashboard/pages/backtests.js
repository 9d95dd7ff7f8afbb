// Reports of backtests: what each strategy came to, and the page of each.

import { get } from "../client.js";
import { empty, h, table } from "../dom.js";
import * as f from "../format.js";
import { t } from "../words.js";

export async function show({ signal }) {
  const { items } = await get("/backtests", {}, signal);
  const signed = (value) => h("span", { class: f.tone(value) }, f.signed(value));
  const report = (one) => h("section", { class: "card report" },
    h("div", { class: "head" }, h("h2", null, one.title), h("span", { class: "quiet" }, one.name, " · ", f.whenFull(one.at)),
      h("a", { href: one.page, target: "_blank", rel: "noopener", "aria-label": `${t("report")}: ${one.title}, ${one.name}` }, t("report"))),
    one.strategies.length > 0 && table([
      { title: t("strategy"), cell: (row) => row.name },
      { title: t("count"), right: true, cell: (row) => f.whole(row.summary.bets) },
      { title: t("claimed"), right: true, wide: true, cell: (row) => f.signed(row.summary.claimed_ev) },
      { title: t("realised"), right: true, cell: (row) => signed(row.summary.yield) },
      { title: t("clv"), right: true, cell: (row) => signed(row.summary.clv_mean) },
    ], one.strategies, `${t("strategy")}, ${one.title}`));
  return h("div", { class: "page" },
    h("div", { class: "head" }, h("h1", null, t("backtests")), h("span", { class: "quiet" }, t("reportsNote"))),
    items.length > 0 ? items.map(report) : empty(t("noReports")));
}
