// One match: prices by book, how they moved, the model against the market, the score matrix.

import { heat, lines, meter } from "../charts.js";
import { get } from "../client.js";
import { badge, card, empty, h, table } from "../dom.js";
import * as f from "../format.js";
import { t } from "../words.js";
import { betCard } from "./bets.js";

const STATS = ["shots", "shots_on_target", "corners", "fouls", "yellow_cards", "red_cards"];

function prices(one, sides) {
  const best = one.best.map((price) => price.odds);
  const columns = [
    { title: t("book"), cell: (row) => [row.book, row.phase === "closing" ? [" ", badge(t("closing"))] : ""] },
    ...one.selections.map((name, index) => ({
      title: f.selection(name, sides), right: true,
      cell: (row) => h("span", { class: row.odds[index] === best[index] ? "best" : "" }, f.odds(row.odds[index])),
    })),
    { title: t("margin"), right: true, wide: true, cell: (row) => f.signed(row.margin) },
    { title: t("age"), right: true, wide: true, cell: (row) => f.since(row.seen) },
  ];
  return table(columns, one.books, t("prices"));
}

function against(one, sides) {
  if (one.model.length === 0 && !one.fair) return null;
  const rows = one.selections.map((name, index) => ({
    name: f.selection(name, sides), model: one.model[index], fair: one.fair?.probabilities[index],
  }));
  const share = (value, tone) => (value == null ? "–" : h("span", { class: "share" }, meter(value, tone), f.percent(value)));
  return [h("h3", null, t("modelMarket")), table([
    { title: t("selection"), cell: (row) => row.name },
    { title: t("modelSays"), cell: (row) => share(row.model, "c0") },
    { title: one.fair ? t("fair", one.fair.book) : t("marketSays"), cell: (row) => share(row.fair, "c1") },
  ], rows, t("modelMarket"))];
}

function moved(one, movements, sides) {
  const own = movements.filter((movement) => movement.market === one.market);
  const index = { at: 0 };
  const box = h("div");
  const draw = () => {
    const series = own.map((movement, colour) => ({
      name: movement.book, colour: colour % 6, step: true,
      points: movement.points.map((point) => [point.at, point.odds[index.at]]),
    }));
    box.replaceChildren(lines({
      label: `${t("movement")}, ${f.selection(one.selections[index.at], sides)}`, series,
      formatX: f.when, formatY: f.odds,
    }) ?? empty(t("nothing")));
  };
  const chips = h("div", { class: "chips", role: "group", "aria-label": t("selection") });
  const drawChips = () => chips.replaceChildren(...one.selections.map((name, at) =>
    h("button", { type: "button", "aria-pressed": String(index.at === at), onclick: () => { index.at = at; drawChips(); draw(); } }, f.selection(name, sides))));
  drawChips();
  draw();
  return [h("h3", null, t("movement")), chips, box];
}

function scores(page) {
  if (!page.scores) return null;
  const { matrix, beyond, result } = page.scores;
  return card(t("scores"),
    h("p", { class: "quiet" }, t("expected", f.decimal(page.model.lambda, 2), f.decimal(page.model.mu, 2)), " · ", t("beyond", f.percent(beyond))),
    h("div", { class: "split", "aria-hidden": "true" }, result.map((share, index) =>
      h("span", { class: `part p${index}`, vars: { "--share": share } }, f.percent(share, 0)))),
    heat({ caption: t("scores"), rows: matrix, corner: `${page.fixture.home} \\ ${page.fixture.away}`, format: (value) => f.percent(value) }));
}

function stats(page) {
  if (!page.stats) return null;
  const rows = STATS.filter((name) => page.stats.home[name] != null || page.stats.away[name] != null);
  if (rows.length === 0) return null;
  return card(t("stats"), table([
    { title: page.fixture.home, right: true, cell: (name) => page.stats.home[name] ?? "–" },
    { title: "", cell: (name) => t(name) },
    { title: page.fixture.away, right: true, cell: (name) => page.stats.away[name] ?? "–" },
  ], rows, t("stats")));
}

export async function show({ id, on, signal }) {
  const path = `/fixtures/${encodeURIComponent(id)}`;
  const [page, { movements }] = await Promise.all([get(path, {}, signal), get(`${path}/movement`, {}, signal)]);
  const sides = page.fixture;
  // The result market first, then by how many books quote it.
  page.markets.sort((a, b) => (b.market === "1x2") - (a.market === "1x2") || b.books.length - a.books.length);
  let chosen = page.markets[0];
  const body = h("div");
  const draw = () => body.replaceChildren(...[prices(chosen, sides), against(chosen, sides), moved(chosen, movements, sides)].flat().filter(Boolean));
  const chips = h("div", { class: "chips", role: "group", "aria-label": t("market") });
  const drawChips = () => chips.replaceChildren(...page.markets.map((one) =>
    h("button", { type: "button", "aria-pressed": String(one === chosen), onclick: () => { chosen = one; drawChips(); draw(); } }, f.market(one.market))));
  if (chosen) { drawChips(); draw(); } else body.append(empty(t("nothing")));
  const bets = h("ul", { class: "bets" }, page.bets.map((row) => betCard(row)));
  on((kind, row) => { if (kind === "bet" && row.match === id) bets.prepend(betCard(row, true)); });
  return h("div", { class: "page" },
    h("p", { class: "back" }, h("a", { href: "#/matches" }, `← ${t("backMatches")}`)),
    h("div", { class: "scoreboard" },
      h("h1", null, h("span", null, sides.home), h("span", { class: "goals" }, sides.score ? `${sides.score[0]}–${sides.score[1]}` : "–"), h("span", null, sides.away)),
      h("p", { class: "quiet" }, `${sides.competition} ${sides.season} · ${f.whenFull(sides.kickoff)}`)),
    h("div", { class: "columns" },
      card(t("prices"), chips, body),
      h("div", { class: "stack" }, scores(page), stats(page))),
    page.bets.length > 0 && card(t("onThis"), bets));
}
