/** The keyboard, its help and the symbols. No key works while a person types, and none needs a modifier. */

import { h, icon } from "./elements.js";

const KEYS = [
  ["a", "Acknowledge all"], ["p", "Pause or resume the audio"], ["o", "Audio off or on"], ["l", "Pause or resume the alarms"],
  ["h", "Alarms: standing and history"], ["r", "Review of the case"], ["c", "Case: admit, describe, discharge"],
  ["t", "Daylight or dark"], ["?", "This help"], ["Esc", "Close what is open"],
];

const SYMBOLS = [
  ["audio-paused", "Audio paused, with the time left"], ["audio-off", "Audio off until somebody turns it on"],
  ["alarm-paused", "Alarms about the patient paused, with the time left"], ["acknowledged", "Acknowledged: seen, its cause lasts"],
  ["usable", "Pressure signal usable"], ["not-usable", "Pressure signal not usable; the words say why"],
];

const MEANINGS = [
  ["!!!", "High priority: red, fast flash. No forecast is ever of high priority."],
  ["!!", "Medium priority: yellow, slow flash"],
  ["!", "Low priority: cyan, steady"],
];

/** @param {Object<string, () => void>} doings what each key does */
export function listen(doings) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    const typing = event.target.closest?.("input, select, textarea");
    const doing = doings[event.key === "Escape" ? "Esc" : event.key.toLowerCase()];
    if (!doing || (typing && event.key !== "Escape")) return;
    event.preventDefault();
    doing();
  });
}

/** @returns {import("./panel.js").Content} */
export function keyHelp() {
  const row = (sign, words) => h("div", {}, h("dt", {}, sign), h("dd", {}, words));
  return {
    title: "Keys and symbols",
    open: () => h("dl.keys", {},
      ...KEYS.map(([key, words]) => row(h("kbd", {}, key.length === 1 ? key.toUpperCase() : key), words)),
      ...SYMBOLS.map(([symbol, words]) => row(icon(symbol), words)),
      ...MEANINGS.map(([mark, words]) => row(h("b", {}, mark), words))),
  };
}
