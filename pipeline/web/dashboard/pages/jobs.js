// Jobs: what runs, what is due, and asking for more.

import { get, post } from "../client.js";
import { badge, card, empty, h, table, tile } from "../dom.js";
import * as f from "../format.js";
import { t } from "../words.js";

const EVERY_MS = 2000;
const TONES = { running: "accent", done: "good", dead: "bad", waiting: "warn" };
const ENDS = ["done", "dead", "cancelled"];

export const stateBadge = (job) => badge(t(`s_${job.state}`), TONES[job.state] ?? "");
export const took = (job) =>
  job.started_at && job.ended_at ? `${f.decimal((job.ended_at - job.started_at) / 1e6, 1)}\u00a0s` : "–";
export const jobLink = (id) => `#/jobs/${encodeURIComponent(id)}`;

/** What can be done about a job, as buttons; `done(text)` tells what was. */
export function actions(job, done) {
  const act = (what, said) => async () => {
    try {
      await post(`/jobs/${encodeURIComponent(job.id)}/${what}`, {});
      await done(t(said, job.kind));
    } catch (error) {
      await done(`${t("failed")}: ${error.message}`);
    }
  };
  return ENDS.includes(job.state)
    ? h("button", { type: "button", class: "again quiet-button", onclick: act("retry", "jobRetried"), "aria-label": `${t("retry")}: ${job.kind}` }, t("retry"))
    : h("button", { type: "button", class: "cancel quiet-button", onclick: act("cancel", "jobCancelled"), "aria-label": `${t("cancel")}: ${job.kind}` }, t("cancel"));
}

const list = (jobs, done) => (jobs.items.length === 0 ? empty(t("noJobs")) : table([
  { title: t("jobKind"), cell: (job) => h("a", { href: jobLink(job.id) }, job.kind) },
  { title: t("state"), cell: stateBadge },
  { title: t("queue"), wide: true, cell: (job) => job.queue },
  { title: t("attempt"), right: true, wide: true, cell: (job) => `${job.attempt}/${job.attempts_max}` },
  { title: t("begun"), wide: true, cell: (job) => f.when(job.started_at ?? job.enqueued_at) },
  { title: t("took"), right: true, wide: true, cell: took },
  { title: "", right: true, cell: (job) => actions(job, done) },
], jobs.items, t("jobs")));

const plans = (schedule) => (schedule.plans.length === 0 ? empty(t("nothing")) : table([
  { title: t("plan"), cell: (plan) => plan.name },
  { title: t("jobKind"), wide: true, cell: (plan) => plan.kind },
  { title: t("cron"), wide: true, cell: (plan) => h("code", null, plan.cron) },
  { title: t("lastTime"), cell: (plan) => f.when(plan.last) },
  { title: t("nextTime"), cell: (plan) => (plan.next ? f.countdown(plan.next) : "–") },
], schedule.plans, t("schedule")));

/** The form by which a job is asked for. */
function asking(kinds, done) {
  const about = h("p", { class: "quiet", id: "job-about" });
  const choice = h("select", { id: "job-kind", onchange: () => say() },
    kinds.map((one) => h("option", { value: one.kind }, one.kind)));
  const args = h("input", { id: "job-args", type: "search", placeholder: "{}", autocomplete: "off", spellcheck: "false", "aria-label": t("jobArgs") });
  const say = () => { about.textContent = kinds.find((one) => one.kind === choice.value)?.about ?? ""; };
  const ask = async (event) => {
    event.preventDefault();
    let given;
    try {
      given = JSON.parse(args.value.trim() || "{}");
    } catch {
      given = null;
    }
    if (given === null || typeof given !== "object" || Array.isArray(given)) return done(t("badArgs"));
    try {
      const job = await post("/jobs", { kind: choice.value, args: given });
      return await done(t("jobAsked", job.kind));
    } catch (error) {
      return done(`${t("failed")}: ${error.message}`);
    }
  };
  say();
  return card(t("askJob"), h("form", { class: "filters", onsubmit: ask },
    h("label", { for: "job-kind", class: "unseen" }, t("jobKind")), choice, args,
    h("button", { type: "submit", class: "retry", id: "job-run" }, t("run"))), about);
}

const tiles = ({ queued, running, waiting, dead }) =>
  h("div", { class: "tiles" },
    tile(t("runningJobs"), f.whole(running)),
    tile(t("queuedJobs"), f.whole(Object.values(queued).reduce((sum, one) => sum + one, 0)), Object.entries(queued).filter(([, count]) => count > 0).map(([name, count]) => `${name} ${count}`).join(", ")),
    tile(t("waitingJobs"), f.whole(waiting)),
    tile(t("deadJobs"), f.whole(dead), "", dead > 0 ? "bad" : ""));

export async function show({ say, signal }) {
  const told = h("p", { class: "notice", role: "status", hidden: true });
  const counts = h("div");
  const jobs = h("div");
  const schedule = await get("/schedule", {}, signal);
  const draw = async () => {
    const found = await get("/jobs", { limit: 100 }, signal);
    // What is being used stays in use.
    if (jobs.contains(document.activeElement)) return;
    counts.replaceChildren(tiles(found.counts));
    jobs.replaceChildren(list(found, done));
  };
  const done = async (text) => {
    told.textContent = text;
    told.hidden = false;
    say(text);
    document.activeElement?.blur();
    await draw();
  };
  await draw();
  const timer = setInterval(() => { if (!document.hidden) draw().catch(() => {}); }, EVERY_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  return h("div", { class: "page" },
    h("h1", null, t("jobs")), counts, told, asking(schedule.kinds, done),
    card(null, jobs), card(t("schedule"), plans(schedule)));
}
