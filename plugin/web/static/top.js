/** The first and the last line: which bed, what kind of case, the time, the feeds, the bundle; and staleness. */

import { byId, h, icon, mark, say, show } from "./elements.js";
import { STALE_S } from "./link.js";
import { caseTime, clockTime, span } from "./words.js";

const WELL = new Set(["associated", "receiving", "subscribed", "acknowledged"]);

/** @returns {{show: (state: import("./state.js").State) => void, tick: (since_s: number) => void}} */
export function top() {
  const clock = byId("clock");
  const wall = h("b");
  const running = h("span");
  clock.append(running, " ", wall);
  const feeds = byId("feeds");
  let state = null;
  let drawn = "";
  return {
    show(latest) {
      state = latest;
      say(byId("title"), state.title);
      document.title = `${state.title} – Barocast`;
      show(byId("simulated"), state.simulated);
      show(byId("silent"), state.silent);
      say(byId("bundle"), `bundle ${state.bundle}`);
      const looks = JSON.stringify([state.feeds, state.troubles]);
      if (looks !== drawn) feeds.replaceChildren(...state.feeds.map(feed), ...state.troubles.map(trouble));
      drawn = looks;
      this.tick(0);
    },
    tick(since_s) {
      if (!state) return;
      say(running, state.case ? `case ${caseTime(state.case_s + since_s)}` : "no case");
      say(wall, clockTime(new Date(state.wall).getTime() + 1000 * since_s));
    },
  };
}

function feed({ name, status, frames, corrupt, losses }) {
  const well = WELL.has(status);
  const lost = Object.entries(losses).filter(([, number]) => number > 0).map(([words, number]) => `${number} ${words}`);
  const damage = [corrupt ? `${corrupt} of ${frames + corrupt} damaged` : "", ...lost].filter(Boolean).join(", ");
  return h("span.feed", { "data-well": String(well), title: damage }, icon(well ? "usable" : "not-usable"),
    `${name} ${status}${damage ? `, ${damage}` : ""}`);
}

function trouble(words) {
  return h("span.feed", { "data-well": "false", title: words }, icon("not-usable"), words);
}

/** @returns {{tick: (silence_s: number, any: boolean) => void}} */
export function staleness() {
  const root = byId("bed");
  const box = byId("stale");
  const line = byId("stale-line");
  return {
    tick(silence_s, any) {
      const stale = silence_s > STALE_S || !any;
      mark(root, "data-stale", String(stale));
      show(box, stale);
      show(line, stale);
      if (!stale) return;
      say(line, any ? `SCREEN IS STALE – not current: nothing new for ${span(silence_s)}` : "No data yet");
      say(byId("stale-words"), any ? "SCREEN IS STALE – not current" : "NO DATA YET");
      say(byId("stale-since"), any ? `nothing new for ${span(silence_s)}` : `waiting for ${span(silence_s)}`);
    },
  };
}
