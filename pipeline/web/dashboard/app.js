// The frame: pages by the address' fragment, language, colours, the live connection.

import * as client from "./client.js";
import { h } from "./dom.js";
import * as format from "./format.js";
import { language, speak, t } from "./words.js";

const PAGES = [
  ["bets", () => import("./pages/bets.js")],
  ["matches", () => import("./pages/matches.js")],
  ["performance", () => import("./pages/performance.js")],
  ["pipeline", () => import("./pages/pipeline.js")],
  ["jobs", () => import("./pages/jobs.js")],
  ["letters", () => import("./pages/letters.js")],
  ["models", () => import("./pages/models.js")],
  ["backtests", () => import("./pages/backtests.js")],
  ["settings", () => import("./pages/settings.js")],
];
const ONE = {
  jobs: () => import("./pages/job.js"),
  bets: () => import("./pages/bet.js"),
  matches: () => import("./pages/match.js"),
};
const THEMES = ["auto", "light", "dark"];

const main = document.getElementById("main");
const said = document.getElementById("said");
const link = document.getElementById("link");
let leave = null;
let listeners = [];

/** Tells those who cannot see the page. */
const say = (text) => { said.textContent = text; };

function drawFrame(current) {
  document.getElementById("nav").replaceChildren(...PAGES.map(([name]) =>
    h("a", { href: `#/${name}`, "aria-current": name === current ? "page" : null }, t(name))),
    h("a", { href: "/api" }, t("api")));
  document.querySelector(".skip").textContent = t("skip");
  document.getElementById("language").textContent = t("otherLanguage");
  document.getElementById("language").lang = language() === "pt" ? "en" : "pt";
  const theme = localStorage.getItem("theme") ?? "auto";
  const shown = { auto: "themeAuto", light: "themeLight", dark: "themeDark" }[theme];
  document.getElementById("theme").textContent = { auto: "◐", light: "☀", dark: "☾" }[theme];
  document.getElementById("theme").setAttribute("aria-label", t(shown));
  document.getElementById("theme").title = t(shown);
}

function colours() {
  const theme = localStorage.getItem("theme") ?? "auto";
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function problem(error, again) {
  return h("section", { class: "card problem", role: "alert" },
    h("h2", null, t("failed")), h("p", null, error.message),
    h("button", { type: "button", onclick: again }, t("again")));
}

/** Shows the page that the fragment names. */
async function show() {
  leave?.abort();
  leave = new AbortController();
  const { signal } = leave;
  listeners = [];
  const [, name = "bets", ...rest] = (location.hash || "#/bets").split("/");
  const id = rest.length > 0 ? decodeURIComponent(rest.join("/")) : null;
  const load = id ? ONE[name] : PAGES.find(([one]) => one === name)?.[1];
  drawFrame(name);
  document.title = `${t(name)} · MaraBet`;
  if (!load) {
    main.replaceChildren(h("p", { class: "empty" }, t("notFound")));
    return;
  }
  try {
    const page = await load();
    if (signal.aborted) return;
    const context = { id, signal, say, on: (listener) => listeners.push(listener) };
    const content = await page.show(context);
    if (signal.aborted) return;
    main.replaceChildren(content);
    main.classList.remove("first");
  } catch (error) {
    if (!signal.aborted) main.replaceChildren(problem(error, show));
  }
}

function askKey() {
  const field = h("input", { id: "key", type: "password", autocomplete: "off", required: true });
  const enter = (event) => {
    event.preventDefault();
    client.keepKey(field.value.trim());
    location.reload();
  };
  main.replaceChildren(h("form", { class: "card ask", onsubmit: enter },
    h("h2", null, t("keyNeeded")), h("p", null, t("keyHelp")),
    h("label", { for: "key" }, t("key")), field, h("button", { type: "submit" }, t("enter"))));
  leave?.abort();
  field.focus();
}

function linked(up) {
  link.textContent = t(up ? "live" : "offline");
  link.className = `link ${up ? "up" : "down"}`;
}

document.getElementById("language").addEventListener("click", () => {
  const next = language() === "pt" ? "en" : "pt";
  localStorage.setItem("language", next);
  speak(next);
  show();
});
document.getElementById("theme").addEventListener("click", () => {
  const theme = localStorage.getItem("theme") ?? "auto";
  localStorage.setItem("theme", THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]);
  colours();
  drawFrame((location.hash || "#/bets").split("/")[1]);
});
window.addEventListener("hashchange", () => {
  window.scrollTo(0, 0);
  show().then(() => main.focus({ preventScroll: true }));
});

client.onKeyNeeded(askKey);
speak(localStorage.getItem("language") ?? (navigator.language.startsWith("pt") ? "pt" : "en"));
colours();
drawFrame("bets");
try {
  format.setClock(await client.get("/settings"));
  await show();
  client.watch((kind, row) => {
    if (row.decided_at) format.follow(Math.max(row.decided_at, row.settled_at ?? 0));
    for (const listener of listeners) listener(kind, row);
  }, linked);
  setInterval(format.tick, 1000);
} catch (error) {
  if (error.status !== 401) main.replaceChildren(problem(error, () => location.reload()));
}
