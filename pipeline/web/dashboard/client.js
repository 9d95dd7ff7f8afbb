// Speaking to the API: JSON, problems, and the stream of bets.

const BASE = "/api/v1";
let askKey = () => {};

/** What to do when the server needs a key. */
export const onKeyNeeded = (ask) => { askKey = ask; };
export const keepKey = (key) => sessionStorage.setItem("key", key);

function headers(more) {
  const key = sessionStorage.getItem("key");
  return { Accept: "application/json", ...(key ? { Authorization: `Bearer ${key}` } : {}), ...more };
}

/** A problem document as an error. */
export class Problem extends Error {
  constructor(body, status) {
    super(body?.detail ?? body?.title ?? `HTTP ${status}`);
    this.status = status;
  }
}

async function answer(response) {
  if (response.ok) return response.json();
  const body = await response.json().catch(() => null);
  if (response.status === 401) askKey();
  throw new Problem(body, response.status);
}

/** Asks for something: `get("/bets", { limit: 20 })`; parameters that are empty are left out. */
export async function get(path, parameters = {}, signal) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== ""));
  const url = `${BASE}${path}${query.size ? `?${query}` : ""}`;
  return answer(await fetch(url, { headers: headers(), signal }));
}

/** Does something. */
export const post = async (path, body) =>
  answer(await fetch(`${BASE}${path}`, {
    method: "POST",
    headers: headers({ "Content-Type": "application/json" }),
    body: JSON.stringify(body),
  }));

/**
 * Watches for bets until the page is left: `tell(kind, row)` for each event, `linked(up)` as the
 * connection comes and goes. A stream that is read by `fetch` can carry a key.
 */
export function watch(tell, linked) {
  let lastId = null;
  let wait = 1000;
  const connect = async () => {
    try {
      const response = await fetch(`${BASE}/live`, {
        headers: headers({ Accept: "text/event-stream", ...(lastId ? { "Last-Event-ID": lastId } : {}) }),
      });
      if (!response.ok) throw new Problem(null, response.status);
      linked(true);
      wait = 1000;
      await read(response.body.getReader());
    } catch {
      // Tried again below.
    }
    linked(false);
    setTimeout(connect, wait);
    wait = Math.min(wait * 2, 30000);
  };
  const read = async (reader) => {
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
      const events = text.split("\n\n");
      text = events.pop();
      events.forEach(take);
    }
  };
  const take = (event) => {
    const fields = { event: "message", data: "" };
    for (const line of event.split("\n")) {
      const colon = line.indexOf(":");
      if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1).trimStart();
    }
    if (fields.id) lastId = fields.id;
    if (fields.data) tell(fields.event, JSON.parse(fields.data));
  };
  connect();
}
