// One job: how it stands, what it wrote, what came of it.

import { get } from "../client.js";
import { card, empty, h } from "../dom.js";
import * as f from "../format.js";
import { t } from "../words.js";
import { actions, stateBadge, took } from "./jobs.js";

/** JSON as it is read best; text that is none as it is. */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export async function show({ id, say, signal }) {
  const page = h("div", { class: "page" });
  const told = h("p", { class: "notice", role: "status", hidden: true });
  const draw = async () => {
    const { job, log } = await get(`/jobs/${encodeURIComponent(id)}`, {}, signal);
    const facts = [
      [t("queue"), job.queue], [t("attempt"), `${job.attempt}/${job.attempts_max}`],
      [t("begun"), f.whenFull(job.started_at)], [t("took"), took(job)],
      [t("owner"), job.owner ?? "–"], [t("jobArgs"), h("code", null, job.args)],
    ];
    page.replaceChildren(...[
      h("a", { class: "back", href: "#/jobs" }, `← ${t("backJobs")}`),
      h("div", { class: "head" }, h("h1", null, job.kind), stateBadge(job), h("span", { class: "hash quiet" }, job.id)),
      told,
      card(null, h("div", { class: "tree" }, h("dl", null, facts.map(([name, value]) => [h("dt", null, name), h("dd", null, value)]))),
        h("div", { class: "actions" }, actions(job, done))),
      job.error && h("p", { class: "notice bad" }, job.error),
      job.result && card(t("jobResult"), h("pre", { tabindex: "0" }, pretty(job.result))),
      card(t("jobLog"), log.length > 0 ? h("pre", { tabindex: "0" }, log.join("\n")) : empty(t("nothing"))),
    ].filter(Boolean));
  };
  const done = async (text) => {
    told.textContent = text;
    told.hidden = false;
    say(text);
    await draw();
  };
  await draw();
  return page;
}
