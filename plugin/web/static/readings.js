/** The pressure in large figures, the other measurements, and each one's age and validity. */

import { byId, h, icon, mark, say, show } from "./elements.js";
import { SPOT, reading } from "./state.js";
import { NONE, figure, reasonWords, sentence, span } from "./words.js";

/** Channels of a box, its label, unit and digits; those that are always there come first. */
const BOXES = [
  { channels: ["ABP_SYS", "ABP_DIA"], label: "ABP", unit: "mmHg", always: true },
  { channels: ["HR"], label: "HR", unit: "/min", always: true },
  { channels: ["SPO2"], label: "SpO₂", unit: "%", always: true },
  { channels: ["ETCO2"], label: "EtCO₂", unit: "mmHg", always: true },
  { channels: ["BIS"], label: "BIS", unit: "" },
  { channels: ["NIBP_SYS", "NIBP_DIA"], label: "NIBP", unit: "mmHg" },
  { channels: ["RR"], label: "RR", unit: "/min" },
  { channels: ["TEMP"], label: "Temp", unit: "°C", digits: 1 },
  { channels: ["CVP_MEAN"], label: "CVP", unit: "mmHg" },
  { channels: ["CO"], label: "CO", unit: "l/min", digits: 1 },
  { channels: ["PR"], label: "PR", unit: "/min" },
];

/** @returns {{show: (state: import("./state.js").State) => void, tick: (since_s: number) => void}} */
export function pressure() {
  const root = byId("map");
  const value = h("p.big", { id: "map-value" });
  const verdict = h("p.verdict");
  const age = h("p.age", { id: "map-age" });
  root.append(
    h("div.head", {}, h("h2.label", {}, "MAP"), h("span.unit", {}, "mmHg")),
    value,
    h("div.under", {}, verdict, age),
  );
  let state = null;
  return {
    show(latest) {
      state = latest;
      this.tick(0);
    },
    tick(since_s) {
      if (!state) return;
      const map = reading(state, "ABP_MEAN", since_s);
      say(value, figure(map.value));
      mark(value, "data-none", String(map.value === null));
      mark(root, "data-old", String(map.old));
      drawAge(age, map);
      say(verdict, map.value === null ? sentence(reasonWords(map.reason)) : verdictOn(map, state.rules));
    },
  };
}

function verdictOn(map, rules) {
  if (map.old) return "Old value";
  return map.value < rules.map_mmhg ? `▼ below ${rules.map_mmhg}` : "Valid";
}

function drawAge(element, { value, age_s, old }) {
  const words = age_s === null || value === null ? "" : old ? `OLD ${span(age_s)}` : `${span(age_s)} ago`;
  say(element, words);
  mark(element, "data-old", String(old && value !== null));
}

/** @returns {{show: (state: import("./state.js").State) => void, tick: (since_s: number) => void}} */
export function numerics() {
  const root = byId("numerics");
  const boxes = BOXES.map((kind) => {
    const note = h("span.note");
    const figures = h("span");
    const box = h("div.numeric", { "data-channel": kind.channels[0] },
      h("div.head", {}, h("span.label", {}, kind.label, " ", h("span.unit", {}, kind.unit)), note),
      h("p.value", {}, figures));
    root.append(box);
    return { kind, box, note, figures };
  });
  let state = null;
  return {
    show(latest) {
      state = latest;
      const room = window.innerHeight >= 800 ? 8 : 4;
      const present = boxes.filter(({ kind }) => kind.always || kind.channels.some((channel) => state.numerics[channel]));
      for (const entry of boxes) show(entry.box, present.indexOf(entry) >= 0 && present.indexOf(entry) < room);
      this.tick(0);
    },
    tick(since_s) {
      if (state) boxes.forEach((entry) => drawBox(entry, state, since_s));
    },
  };
}

function drawBox({ kind, box, note, figures }, state, since_s) {
  const readings = kind.channels.map((channel) => reading(state, channel, since_s));
  const [first] = readings;
  const spot = SPOT.channels.includes(kind.channels[0]);
  const none = readings.every(({ value }) => value === null);
  say(figures, none ? NONE : readings.map(({ value }) => figure(value, kind.digits ?? 0)).join("/"));
  mark(box, "data-none", String(none));
  mark(box, "data-old", String(first.old));
  if (none) say(note, reasonWords(first.reason));
  else if (first.old) say(note, `OLD ${span(first.age_s)}`);
  else say(note, spot ? `${span(first.age_s)} ago` : "");
}

/** The words on signal quality. @returns {{show: (state: import("./state.js").State) => void}} */
export function signal() {
  const root = byId("signal");
  const sign = h("span");
  const word = h("p.word");
  const words = h("p.words");
  root.append(h("h2.label", {}, "Pressure signal"), h("div.says", {}, sign, h("div", {}, word, words)));
  return {
    show({ signal: { usable, reason, words: said } }) {
      const was = root.dataset.usable;
      mark(root, "data-usable", String(usable));
      if (was !== root.dataset.usable) sign.replaceChildren(icon(usable ? "usable" : "not-usable"));
      say(word, usable ? "Usable" : `Not usable: ${reasonWords(reason)}`);
      say(words, said || (usable ? "No artefact now." : ""));
    },
  };
}
