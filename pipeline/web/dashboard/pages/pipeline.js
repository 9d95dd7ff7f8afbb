// How the pipeline is doing: the line, its streams and groups, this process, the cache.

import { lines, meter } from "../charts.js";
import { get } from "../client.js";
import { badge, card, empty, h, table, tile } from "../dom.js";
import * as f from "../format.js";
import { t } from "../words.js";

const LINE = [["feed", "predict"], ["priced", "detect"], ["bets", "portfolio"], ["grants", "notify"]];
const EVERY_MS = 2000;
const KEPT = 90;

const behind = (groups) => groups.reduce((sum, group) => sum + group.lag + group.pending, 0);

/** One stage of the line: its input's frames, and how far it is behind. */
function stage(status, [stream, name]) {
  const streams = status.streams.filter((one) => one.stream === stream);
  const groups = streams.flatMap((one) => one.groups.filter((group) => group.group === name || group.group.startsWith(`${name}.`)));
  const lag = behind(groups);
  const owned = groups.filter((group) => group.owner).length;
  return h("li", { class: `stage ${lag > 100 ? "bad" : lag > 0 ? "busy" : ""}` },
    h("span", { class: "from" }, stream),
    h("strong", null, name),
    h("span", null, `${f.whole(streams.reduce((sum, one) => sum + one.length, 0))} ${t("frames").toLowerCase()}`),
    h("span", { class: lag > 0 ? "warn" : "quiet" }, `${t("lag")} ${f.whole(lag)}`),
    h("span", { class: "quiet" }, groups.length > 0 && owned > 0 ? t("owned", owned, groups.length) : "\u00a0"));
}

function groups(status) {
  const rows = status.streams.flatMap((stream) => stream.groups.map((group) => ({ stream, group })));
  if (rows.length === 0) return empty(t("nothing"));
  return table([
    { title: t("stream"), cell: ({ stream }) => stream.stream },
    { title: t("partition"), right: true, cell: ({ stream }) => stream.partition ?? t("account") },
    { title: t("group"), cell: ({ group }) => group.group },
    { title: t("frames"), right: true, wide: true, cell: ({ stream }) => f.whole(stream.length) },
    { title: t("memory"), right: true, wide: true, cell: ({ stream }) => f.bytes(stream.memory) },
    { title: t("lag"), right: true, cell: ({ group }) => h("span", { class: group.lag > 0 ? "warn" : "" }, f.whole(group.lag)) },
    { title: t("pending"), right: true, cell: ({ group }) => f.whole(group.pending) },
    { title: t("letters"), right: true, wide: true, cell: ({ group }) => f.whole(group.dead) },
    { title: t("owner"), wide: true, cell: ({ group }) => h("span", { class: "hash" }, group.owner ?? "–") },
  ], rows, t("streamsGroups"));
}

const two = (one) => (one.count === 0 ? "–" : `${f.decimal(one.p50_ms, 1)} / ${f.decimal(one.p99_ms, 1)} ms`);

function conditions(row) {
  const all = Object.values(row.conditions);
  const troubled = all.filter((one) => !["running", "ended", "loading"].includes(one) && !one.startsWith("run by"));
  if (troubled.length > 0) return badge(troubled[0], "bad");
  const running = all.filter((one) => one === "running").length;
  return badge(`${running}/${all.length}`, running > 0 ? "good" : "");
}

function stages(own) {
  const rows = Object.entries(own.stages);
  if (rows.length === 0) return empty(t("nothing"));
  return table([
    { title: t("stage"), cell: ([name]) => name },
    { title: t("events"), right: true, cell: ([, row]) => f.whole(row.events) },
    { title: t("derived"), right: true, wide: true, cell: ([, row]) => f.whole(row.derived) },
    { title: t("commit"), right: true, wide: true, cell: ([, row]) => two(row.commit) },
    { title: t("latency"), right: true, cell: ([, row]) => two(row.latency) },
    { title: t("condition"), cell: ([, row]) => conditions(row) },
  ], rows, t("stagesHere"));
}

function cache(all) {
  return table([
    { title: t("cache"), cell: ([name]) => name },
    { title: t("hits"), right: true, cell: ([, row]) => f.whole(row.hits) },
    { title: t("misses"), right: true, cell: ([, row]) => f.whole(row.misses) },
    { title: t("hitRate"), right: true, cell: ([, row]) => f.percent(row.hit_rate) },
    { title: t("kept"), right: true, wide: true, cell: ([, row]) => f.span(row.ttl_s) },
  ], Object.entries(all.classes), t("cache"));
}

export async function show({ signal }) {
  const page = h("div", { class: "page" });
  const rates = [];
  let before = null;
  const draw = async () => {
    const [status, own, cached] = await Promise.all([get("/streams", {}, signal), get("/stages", {}, signal), get("/cache", {}, signal)]);
    const events = Object.values(own.stages).reduce((sum, one) => sum + one.events, 0);
    const at = performance.now();
    if (before) rates.push([Date.now(), Math.max(0, (events - before.events) / ((at - before.at) / 1000))]);
    before = { at, events };
    while (rates.length > KEPT) rates.shift();
    const share = status.memory_max ? status.memory_used / status.memory_max : 0;
    const letters = status.streams.flatMap((one) => one.groups).reduce((sum, one) => sum + one.dead, 0);
    const open = page.querySelector("details")?.open;
    page.replaceChildren(...[
      h("div", { class: "head" }, h("h1", null, t("pipeline")),
        status.slowest ? badge(`${t("behind")}: ${status.slowest}`, "warn") : badge(t("caughtUp"), "good")),
      own.feed_waits_for && h("p", { class: "notice" }, t("heldUp", own.feed_waits_for)),
      h("ol", { class: "line", "aria-label": t("theLine") }, LINE.map((one) => stage(status, one))),
      h("div", { class: "tiles" },
        h("div", { class: "tile" }, h("span", { class: "label" }, t("memory")), h("strong", null, f.bytes(status.memory_used)),
          h("span", { class: "note" }, status.memory_max ? [meter(share, share > 0.7 ? "bad" : ""), t("ofMax", f.bytes(status.memory_max))] : t("noMax"))),
        tile(t("rate"), f.whole(rates.at(-1)?.[1] ?? 0), status.server),
        tile(t("letters"), f.whole(letters), "", letters > 0 ? "bad" : ""),
        tile(t("watchers"), f.whole(own.watchers), own.process)),
      rates.length > 2 && card(t("rate"), lines({
        label: t("rate"), height: 140, zero: true, series: [{ name: t("rate"), points: rates }],
        formatX: (ms) => new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" }), formatY: f.whole,
      })),
      h("div", { class: "columns even" }, card(t("stagesHere"), stages(own)), card(t("cache"), cache(cached))),
      h("details", { class: "card", open: open ?? true }, h("summary", null, h("h2", null, t("streamsGroups"))), groups(status)),
    ].filter(Boolean));
  };
  await draw();
  const timer = setInterval(() => { if (!document.hidden) draw().catch(() => {}); }, EVERY_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  return page;
}
