/** Several beds: a tile for each, asked for once a second, that leads to its own page. */

import { byId, h, mark, say } from "./elements.js";
import { STALE_S } from "./link.js";
import { MARKS, flashes, forecast, inOrder, isQuiet, reading } from "./state.js";
import { figure, percent, sentence, span } from "./words.js";

const EVERY_MS = 1000;

/** @param {{bed: string, title: string}[]} beds */
export function tiles(beds) {
  const all = beds.map(tile);
  byId("tiles").append(...all.map(({ root }) => h("li", {}, root)));
  setInterval(() => all.forEach(({ tick }) => tick()), EVERY_MS / 2);
  for (const { ask } of all) repeat(ask);
}

async function repeat(ask) {
  await ask();
  setTimeout(() => repeat(ask), EVERY_MS);
}

function tile({ bed, title }) {
  const alarm = h("p.tile-alarm", {}, "No data yet");
  const map = h("span");
  const risk = h("span");
  const age = h("p.age");
  const root = h("a.tile", { href: `/bed/${bed}` }, alarm, h("h2", {}, title),
    h("p.tile-values", {},
      h("span.tile-map", {}, map, " ", h("small", {}, "MAP")),
      h("span.tile-risk", {}, risk, " ", h("small", {}, "in 10 min"))), age);
  let state = null;
  let news = performance.now();

  function draw(since_s) {
    const stale = since_s > STALE_S || !state;
    mark(root, "data-stale", String(stale));
    const first = stale ? undefined : inOrder(state.alarm)[0];
    mark(root, "data-priority", first?.priority ?? "none");
    mark(root, "data-flash", String(flashes(first)));
    mark(root, "data-quiet", String(first !== undefined && isQuiet(first)));
    const words = first ? `${MARKS[first.priority]} ${sentence(first.text)}` : "No alarm condition";
    say(alarm, stale ? `Not current: nothing new for ${span(since_s)}` : words);
    say(map, figure(state ? reading(state, "ABP_MEAN", since_s).value : null));
    const decision = state ? forecast(state, since_s) : null;
    say(risk, percent(decision?.risk[String(state.rules.horizon_min)]));
    say(age, state ? [state.simulated ? "SIMULATED" : "", state.silent ? "SILENT TRIAL" : ""].filter(Boolean).join(" · ") : "");
  }

  return {
    root,
    tick: () => draw((performance.now() - news) / 1000),
    async ask() {
      try {
        const answer = await fetch(`/api/${bed}/state`, { signal: AbortSignal.timeout(1000 * STALE_S) });
        const latest = answer.ok ? await answer.json() : null;
        if (!latest || latest.serial === state?.serial) return;
        state = latest;
        news = performance.now();
        draw(0);
      } catch {
        // A bed that does not answer grows stale; the next second asks again.
      }
    },
  };
}
