// Making elements. Text goes in as text, so that nothing that the log holds is read as markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "vars") {
      for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
    } else element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

/** An element of HTML: `h("p", { class: "quiet" }, "text", other)`. */
export const h = (name, attributes, ...children) =>
  fill(document.createElement(name), attributes, children);

/** An element of SVG. */
export const s = (name, attributes, ...children) =>
  fill(document.createElementNS(SVG, name), attributes, children);

/** A card with a heading. */
export const card = (title, ...children) =>
  h("section", { class: "card" }, title && h("h2", null, title), ...children);

/** A number that stands out, with what it is. */
export const tile = (label, value, note, tone) =>
  h("div", { class: `tile ${tone ?? ""}` },
    h("span", { class: "label" }, label),
    h("strong", null, value),
    h("span", { class: "note" }, note ?? "\u00a0"));

/** A short word on a coloured ground. */
export const badge = (text, tone) => h("span", { class: `badge ${tone ?? ""}` }, text);

/**
 * A table. `columns`: `{ title, cell(row), right, wide }`; `wide` ones are left out on a phone.
 */
export function table(columns, rows, caption) {
  const classes = (column) => [column.right && "right", column.wide && "wide"].filter(Boolean).join(" ") || null;
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", null,
      h("caption", { class: "unseen" }, caption),
      h("thead", null, h("tr", null,
        columns.map((column) => h("th", { scope: "col", class: classes(column) }, column.title)))),
      h("tbody", null, rows.map((row) => h("tr", null,
        columns.map((column) => h("td", { class: classes(column) }, column.cell(row))))))));
}

/** What stands where there is nothing. */
export const empty = (text) => h("p", { class: "empty" }, text);
