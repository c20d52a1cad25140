/** The risk of hypotension within 5, 10 and 15 minutes, and what the forecast leans on. */

import { bar, byId, h, mark, say } from "./elements.js";
import { FORECAST_OLD_S, forecast, measured } from "./state.js";
import { percent, sentence, span } from "./words.js";

const HORIZONS = ["5", "10", "15"];
const MODALITIES = { text: "Described", series: "Measured", wave: "Waveform" };

/** Reasons for which the forecast is not there, by the first word that the service gives. */
const NO_FORECAST = { abstain: "No forecast", fault: "Forecast fault" };

/** @returns {{show: (state: import("./state.js").State) => void, tick: (since_s: number) => void}} */
export function risk() {
  const root = byId("risk");
  const age = h("span.age");
  const content = h("div.rows");
  root.append(h("div.head", {}, h("h2.label", { id: "risk-title" }), age), content);
  let state = null;
  let drawn = "";
  return {
    show(latest) {
      state = latest;
      this.tick(0);
    },
    tick(since_s) {
      if (!state) return;
      const decision = forecast(state, since_s);
      say(root.querySelector("h2"), `Risk of MAP < ${state.rules.map_mmhg} within`);
      say(age, decision ? `computed ${span(decision.age_s + since_s)} ago` : "");
      const looks = JSON.stringify([decision?.risk, state.decision?.reason, Boolean(decision), state.rules, state.silent]);
      if (looks === drawn) return;
      drawn = looks;
      content.setAttribute("class", decision ? "rows" : "none");
      content.replaceChildren(...(decision ? rows(decision, state.rules) : whyNone(state)));
    },
  };
}

function rows(decision, rules) {
  return HORIZONS.map((minutes) => {
    const p = decision.risk[minutes] ?? null;
    const raises = Number(minutes) === rules.horizon_min;
    const above = raises && p !== null && p >= rules.p_on;
    const [figures, unit] = percent(p).split(/(?= %)/);
    const limit = above ? `▲ above alarm level ${percent(rules.p_on)}` : `alarm level ${percent(rules.p_on)}`;
    return h("div.row", { "data-minutes": minutes, "data-raises": String(raises), "data-above": String(above) },
      h("span.within", {}, `${minutes} min`), h("span.p", {}, figures, h("small", {}, unit ? " %" : "")),
      bar(p, raises ? rules.p_on : null), raises ? h("span.limit", {}, limit) : "");
  });
}

/** @param {import("./state.js").State} state @returns {HTMLElement[]} */
function whyNone({ decision, silent }) {
  if (silent) return [h("b", {}, "Not shown"), h("p", {}, "Silent trial: forecasts are logged only.")];
  if (!decision) return [h("b", {}, "No forecast yet"), h("p", {}, "The first one needs 15 minutes of pressure.")];
  const why = NO_FORECAST[decision.state] ? decision.reason ?? "" : `the last one is older than ${FORECAST_OLD_S} s`;
  return [h("b", {}, NO_FORECAST[decision.state] ?? "No current forecast"), h("p", {}, sentence(why))];
}

/** @returns {{show: (state: import("./state.js").State) => void}} */
export function lean() {
  const root = byId("lean");
  const gates = h("div.gates");
  const words = h("p.words");
  const textless = h("p.textless");
  root.append(h("h2.label", {}, "The forecast leans on", h("span.unit", {}, " association, no cause")), gates, words, textless);
  let drawn = "";
  return {
    show(state) {
      const decision = forecast(state);
      const looks = JSON.stringify([decision?.gates, decision?.influence]);
      if (looks === drawn) return;
      drawn = looks;
      gates.replaceChildren(...Object.entries(decision?.gates ?? {}).sort(([, a], [, b]) => b - a).map(gate));
      say(words, decision ? decision.influence?.words ?? "" : "Nothing: there is no forecast.");
      say(textless, textlessWords(decision?.influence));
      mark(words, "title", words.textContent);
    },
  };
}

function textlessWords(influence) {
  const p = measured(influence?.without_text);
  return p === null ? "" : `Without the description the risk would be ${percent(p)}.`;
}

function gate([name, share]) {
  return h("div.gate", {}, h("span", {}, MODALITIES[name] ?? sentence(name)), h("b", {}, percent(share)), bar(share));
}
