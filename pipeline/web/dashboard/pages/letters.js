// Dead letters: what could not be processed, and what is done about it.

import { get, post } from "../client.js";
import { badge, empty, h } from "../dom.js";
import * as f from "../format.js";
import { t } from "../words.js";

let withDone = false;

export async function show({ say, signal }) {
  const list = h("ul", { class: "letters" });
  const total = h("span", { class: "quiet" });
  const told = h("p", { class: "notice", role: "status", hidden: true });
  const tell = (text) => { told.textContent = text; told.hidden = false; say(text); };

  const act = async (what, letter) => {
    try {
      const done = await post(`/dead-letters/${what}`, { stage: letter.stage, address: letter.address });
      tell(what === "retry" ? t("retried", done.appended_at) : t("dropped"));
      await load();
    } catch (error) {
      tell(`${t("failed")}: ${error.message}`);
    }
  };
  const row = (letter) => h("li", { class: "card letter" },
    h("div", { class: "head" }, badge(letter.stage, "warn"), h("span", { class: "hash" }, letter.address),
      letter.done && badge(letter.done.split(" ")[0], "")),
    h("p", null, letter.reason),
    h("pre", { tabindex: "0", "aria-label": t("event") }, letter.line),
    !letter.done && h("div", { class: "actions" },
      h("button", { type: "button", class: "retry", onclick: () => act("retry", letter) }, t("retry")),
      h("button", { type: "button", class: "drop quiet-button", onclick: () => { if (confirm(t("sureDrop"))) act("drop", letter); } }, t("drop"))));
  const load = async () => {
    const page = await get("/dead-letters", { done: withDone || null, limit: 100 }, signal);
    list.replaceChildren(...page.items.map(row));
    if (page.items.length === 0) list.append(h("li", null, empty(t("noLetters"))));
    total.textContent = f.whole(page.total);
  };
  await load();
  return h("div", { class: "page" },
    h("div", { class: "head" }, h("h1", null, t("letters")), total),
    h("label", { class: "check" }, h("input", { type: "checkbox", checked: withDone, onchange: (event) => { withDone = event.target.checked; load(); } }), t("withDone")),
    told, list);
}
