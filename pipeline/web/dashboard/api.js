// The API as a person reads it, from its own description.

import { badge, card, h, table } from "./dom.js";

const main = document.getElementById("main");

const kind = (schema) => {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.enum) return schema.enum.join(" | ");
  if (schema.oneOf) return schema.oneOf.map(kind).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  return [schema.type].flat().join(" or ") + (schema.pattern ? ` ${schema.pattern}` : "");
};

function operation(base, path, method, one) {
  const answer = Object.entries(one.responses["200"].content)[0];
  return h("section", { class: "card", id: one.operationId },
    h("h2", { class: "operation" }, badge(method.toUpperCase(), method === "get" ? "good" : "warn"), " ", h("code", null, base + path)),
    h("p", null, one.summary, one.description && h("span", { class: "quiet" }, ` — ${one.description}`)),
    one.parameters.length > 0 && table([
      { title: "Parameter", cell: (parameter) => h("code", null, parameter.name) },
      { title: "In", cell: (parameter) => parameter.in },
      { title: "Form", cell: (parameter) => h("code", null, kind(parameter.schema)) },
      { title: "Meaning", cell: (parameter) => parameter.description },
    ], one.parameters, `Parameters of ${path}`),
    h("p", { class: "quiet" }, `Answers ${answer[0]}: `, h("code", null, kind(answer[1].schema)),
      ` · scope ${one.security[0].key[0]} · problems ${Object.keys(one.responses).filter((code) => code >= 400).join(", ")}`));
}

const schema = (name, one) =>
  h("details", { class: "card", id: `schema-${name}` }, h("summary", null, h("code", null, name)),
    h("pre", { tabindex: "0" }, JSON.stringify(one, null, 2)));

async function show() {
  const document_ = await (await fetch("/api/v1/openapi.json")).json();
  const base = document_.servers[0].url;
  const operations = Object.entries(document_.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => operation(base, path, method, one)));
  main.replaceChildren(h("div", { class: "page" },
    h("div", { class: "head" }, h("h1", null, "API"), h("a", { href: "/api/v1/openapi.json" }, "OpenAPI 3.1")),
    card(null, h("p", null, document_.info.description)),
    operations, h("h2", null, "Forms"),
    Object.entries(document_.components.schemas).map(([name, one]) => schema(name, one))));
}

show().catch((error) => main.replaceChildren(h("p", { class: "notice bad" }, error.message)));
