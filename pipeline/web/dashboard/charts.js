// Charts, drawn as SVG at the width that they get.

import { h, s } from "./dom.js";

const PAD = { top: 10, right: 12, bottom: 26, left: 52 };

/** Round numbers between two ends, at most about `count` of them. */
function ticks(low, high, count) {
  const rough = (high - low) / Math.max(count, 1) || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const first = Math.ceil(low / step - 1e-9) * step;
  const found = [];
  for (let value = first; value <= high + step * 1e-9; value += step) found.push(Math.abs(value) < step * 1e-9 ? 0 : value);
  return found;
}

/** A figure that draws itself again when its width changes. `draw(width)` gives the content. */
function figure(label, height, draw, legend) {
  const root = s("svg", { role: "img", "aria-label": label, height, width: "100%", class: "chart" });
  const paint = () => {
    const width = root.parentNode?.clientWidth;
    if (!width) return;
    root.setAttribute("viewBox", `0 0 ${width} ${height}`);
    root.replaceChildren(...draw(width));
  };
  const box = h("div", { class: "figure", vars: { "--height": `${height}px` } }, root);
  new ResizeObserver(paint).observe(box);
  return h("figure", null, box, legend);
}

function legend(series) {
  if (series.length < 2) return null;
  return h("figcaption", { class: "legend" },
    series.map((one, index) => h("span", { class: `key c${one.colour ?? index % 6} ${one.dashed ? "dashed" : ""}` }, one.name)));
}

function axes(scale, width, height, formatX, formatY, xTicks) {
  const parts = [];
  for (const value of ticks(scale.low, scale.high, Math.max(2, Math.floor(height / 55)))) {
    const y = scale.y(value);
    parts.push(s("line", { class: value === 0 ? "zero" : "grid", x1: PAD.left, x2: width - PAD.right, y1: y, y2: y }));
    parts.push(s("text", { class: "tick", x: PAD.left - 8, y: y + 4, "text-anchor": "end" }, formatY(value)));
  }
  for (const value of xTicks) {
    parts.push(s("text", { class: "tick", x: scale.x(value), y: height - 8, "text-anchor": "middle" }, formatX(value)));
  }
  return parts;
}

function scales([x0, x1], [y0, y1], width, height) {
  const across = x1 - x0 || 1;
  const up = y1 - y0 || 1;
  const low = y0 - up * 0.05;
  const high = y1 + up * 0.05;
  return {
    low, high,
    x: (value) => PAD.left + ((value - x0) / across) * (width - PAD.left - PAD.right),
    y: (value) => height - PAD.bottom - ((value - low) / (high - low)) * (height - PAD.top - PAD.bottom),
  };
}

const extent = (values) => [Math.min(...values), Math.max(...values)];
const evenly = (from, to, count) => Array.from({ length: count }, (_, index) => from + ((to - from) * (index + 0.5)) / count);

/**
 * Lines over x. `series`: `{ name, points: [[x, y]], dashed, colour, step }`; `zero` keeps 0 in
 * sight.
 */
export function lines({ label, series, height = 240, formatX, formatY, zero }) {
  const drawn = series.filter((one) => one.points.length > 0);
  const draw = (width) => {
    const xs = extent(drawn.flatMap((one) => one.points.map(([x]) => x)));
    const ys = extent(drawn.flatMap((one) => one.points.map(([, y]) => y)).concat(zero ? [0] : []));
    const scale = scales(xs, ys, width, height);
    const xTicks = xs[0] === xs[1] ? [xs[0]] : evenly(xs[0], xs[1], Math.max(2, Math.min(6, Math.floor(width / 130))));
    const parts = axes(scale, width, height, formatX, formatY, xTicks);
    series.forEach((one, index) => {
      if (one.points.length === 0) return;
      const colour = `c${one.colour ?? index % 6}`;
      let path = "";
      one.points.forEach(([x, y], place) => {
        const [px, py] = [scale.x(x).toFixed(1), scale.y(y).toFixed(1)];
        path += place === 0 ? `M${px} ${py}` : one.step ? `H${px}V${py}` : `L${px} ${py}`;
      });
      if (one.step) path += `H${scale.x(xs[1]).toFixed(1)}`;
      parts.push(s("path", { class: `line ${colour} ${one.dashed ? "dashed" : ""}`, d: path }));
      const [lastX, lastY] = one.points[one.points.length - 1];
      if (!one.dashed) parts.push(s("circle", { class: `dot ${colour}`, cx: scale.x(one.step ? xs[1] : lastX), cy: scale.y(lastY), r: 3.5 }));
    });
    return parts;
  };
  if (drawn.length === 0) return null;
  return figure(label, height, draw, legend(series));
}

/** Bars. `bars`: `{ name, value, tone }`. */
export function bars({ label, bars: all, height = 200, formatY }) {
  const draw = (width) => {
    const scale = scales([0, all.length], extent(all.map((bar) => bar.value).concat([0])), width, height);
    const room = (width - PAD.left - PAD.right) / all.length;
    const every = Math.ceil(58 / room);
    const parts = axes(scale, width, height, () => "", formatY, []);
    all.forEach((bar, index) => {
      const [x, y] = [PAD.left + index * room + 1, scale.y(Math.max(bar.value, 0))];
      const tall = Math.abs(scale.y(bar.value) - scale.y(0));
      parts.push(s("rect", { class: `bar ${bar.tone ?? ""}`, x, y, width: Math.max(room - 2, 1), height: tall, rx: 2 },
        s("title", null, `${bar.name}: ${formatY(bar.value)}`)));
      if (index % every === 0) {
        parts.push(s("text", { class: "tick", x: x + room / 2, y: height - 8, "text-anchor": "middle" }, bar.name));
      }
    });
    return parts;
  };
  return figure(label, height, draw);
}

/** What was said beside what came, as dots around the diagonal. `groups`: `{ name, dots: [{ x, y, weight, title }] }`. */
export function diagonal({ label, groups, height = 280, format }) {
  const draw = (width) => {
    const scale = scales([0, 1], [0, 1], width, height);
    const parts = axes(scale, width, height, format, format, [0, 0.25, 0.5, 0.75, 1]);
    parts.push(s("line", { class: "ideal", x1: scale.x(0), y1: scale.y(0), x2: scale.x(1), y2: scale.y(1) }));
    groups.forEach((group, index) => {
      const most = Math.max(...group.dots.map((dot) => dot.weight), 1);
      for (const dot of group.dots) {
        const radius = 4 + 8 * Math.sqrt(dot.weight / most);
        parts.push(s("circle", { class: `bubble c${index % 6}`, cx: scale.x(dot.x), cy: scale.y(dot.y), r: radius.toFixed(1) },
          s("title", null, dot.title)));
      }
    });
    return parts;
  };
  return figure(label, height, draw, legend(groups));
}

/** A matrix of shares as coloured cells: rows the home side's goals, columns the away side's. */
export function heat({ caption, rows, corner, format }) {
  const most = Math.max(...rows.flat(), 1e-9);
  const cell = (value, index) =>
    h("td", { class: "heat", vars: { "--share": (value / most).toFixed(3) } }, format(value, index));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", { class: "matrix" },
      h("caption", { class: "unseen" }, caption),
      h("thead", null, h("tr", null, h("td", { class: "corner" }, corner), rows[0].map((_, away) => h("th", { scope: "col" }, away)))),
      h("tbody", null, rows.map((row, home) => h("tr", null, h("th", { scope: "row" }, home), row.map(cell))))));
}

/** A share as a bar in a line of text. */
export const meter = (share, tone) =>
  h("span", { class: `meter ${tone ?? ""}`, "aria-hidden": "true" }, h("span", { vars: { "--share": Math.max(0, Math.min(1, share)) } }));
