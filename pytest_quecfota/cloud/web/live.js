// Server-sent events read with fetch, because EventSource cannot send a token.

import { request } from "./api.js";

const AGAIN_AFTER = 1500; // milliseconds between two connections

function* events(text) {
  for (const block of text.split("\n\n")) {
    const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s, 2)));
    if (fields.event) yield [fields.event, JSON.parse(fields.data)];
  }
}

async function read(path, signal, hear) {
  const response = await request("GET", path, { signal });
  hear("connected");
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const end = rest.lastIndexOf("\n\n");
    if (end < 0) continue;
    for (const [name, data] of events(rest.slice(0, end))) hear(name, data);
    rest = rest.slice(end + 2);
  }
}

/** Calls `hear(name, data)` for every event until `signal` is aborted; a lost connection is made again. */
export async function listen(path, signal, hear) {
  while (!signal.aborted) {
    try {
      await read(path, signal, hear);
    } catch (error) {
      if (signal.aborted || (error.status >= 400 && error.status < 500)) return;
    }
    if (signal.aborted) return;
    hear("lost");
    await new Promise((resume) => setTimeout(resume, AGAIN_AFTER));
  }
}
