// Models that came into force.

import { get } from "../client.js";
import { empty, h, table } from "../dom.js";
import * as f from "../format.js";
import { t } from "../words.js";

export async function show({ signal }) {
  const page = await get("/models", { limit: 200 }, signal);
  const columns = [
    { title: t("competition"), cell: (row) => row.model.competition },
    { title: t("number"), right: true, cell: (row) => row.model.number },
    { title: t("family"), cell: (row) => row.model.family },
    { title: t("inForceSince"), cell: (row) => f.whenFull(row.at) },
    { title: t("trainedOn"), cell: (row) => t("nMatches", f.whole(row.model.training.matches)) },
    { title: "", wide: true, cell: (row) => `${f.day(row.model.training.from)} – ${f.day(row.model.training.to)}` },
    { title: t("artefact"), wide: true, cell: (row) => h("span", { class: "hash", title: row.model.hash }, row.model.hash.slice(0, 12)) },
  ];
  return h("div", { class: "page" },
    h("div", { class: "head" }, h("h1", null, t("models")), h("span", { class: "quiet" }, f.whole(page.total))),
    page.items.length > 0 ? h("section", { class: "card" }, table(columns, page.items, t("models"))) : empty(t("nothing")));
}
