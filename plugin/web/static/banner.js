/**
 * The alarm banner: the first condition large, the others beside it, the states of the signals with their countdown.
 * Elements are made anew only when the conditions change, so that a flash keeps its beat through every state.
 */

import { byId, h, icon, mark, say } from "./elements.js";
import { MARKS, flashes, inOrder, isQuiet } from "./state.js";
import { countdown, sentence, span } from "./words.js";

const OTHERS_SHOWN = 2;
const PRIORITY_WORDS = { low: "Low priority", medium: "Medium priority", high: "High priority" };

/** @returns {{show: (state: import("./state.js").State) => void, tick: (since_s: number) => void}} */
export function banner() {
  const root = byId("banner");
  const frame = byId("frame");
  const sign = h("div.mark");
  const text = h("p.text");
  const detail = h("p.detail");
  const others = h("div.others");
  const states = h("div.states");
  root.append(sign, h("div.what", {}, text, detail), others, states);
  let alarm = null;
  let silent = false;
  let drawn = "";
  let announced = "";

  return {
    show(state) {
      ({ alarm, silent } = state);
      const conditions = inOrder(alarm);
      const looks = JSON.stringify([conditions.map(({ age_s, ...rest }) => rest), silent]);
      if (looks !== drawn) draw(conditions);
      drawn = looks;
      announce(conditions);
      this.tick(0);
    },
    tick(since_s) {
      if (!alarm) return;
      const [first] = inOrder(alarm);
      say(detail, first ? about(first, since_s) : "");
      drawStates(since_s);
    },
  };

  function draw(conditions) {
    const [first, ...rest] = conditions;
    for (const element of [root, frame]) {
      mark(element, "data-priority", first?.priority ?? "none");
      mark(element, "data-flash", String(flashes(first)));
      mark(element, "data-quiet", String(Boolean(first) && isQuiet(first)));
    }
    sign.replaceChildren(...(first ? signOf(first) : []));
    say(text, first ? sentence(first.text) : (silent ? "Silent trial: forecasts are logged and not shown" : "No alarm condition"));
    others.replaceChildren(...rest.slice(0, OTHERS_SHOWN).map(chip));
    if (rest.length > OTHERS_SHOWN) others.lastChild.textContent += `  +${rest.length - OTHERS_SHOWN} more`;
  }

  /** Say aloud what has come, gone or been acknowledged; a text whose figures change is not news. */
  function announce(conditions) {
    const news = JSON.stringify(conditions.map((c) => [c.name, c.source, c.priority, c.occurrence, c.inactivation]));
    if (news !== announced) say(byId("announce"), conditions.length ? conditions.map(aloud).join(". ") : "No alarm condition");
    announced = news;
  }

  function drawStates(since_s) {
    const shown = [
      alarm.audio_off ? ["audio-off", "Audio off", null] : null,
      left("audio-paused", "Audio paused", alarm.audio_pause_left_s - since_s),
      left("alarm-paused", "Alarms paused", alarm.alarm_pause_left_s - since_s),
    ].filter(Boolean);
    mark(states, "data-shown", shown.map(([name]) => name).join(" "));
    if (states.childElementCount !== shown.length || states.dataset.drawn !== states.dataset.shown) {
      states.replaceChildren(...shown.map(([name, words]) => h("p.state", { "data-state": name }, icon(name), words, h("b"))));
      states.dataset.drawn = states.dataset.shown;
    }
    shown.forEach(([, , time], place) => say(states.children[place].lastChild, time ?? ""));
  }
}

function left(name, words, seconds) {
  return seconds > 0 ? [name, words, countdown(seconds)] : null;
}

function signOf(condition) {
  return condition.inactivation === "acknowledged" ? [icon("acknowledged")] : [MARKS[condition.priority]];
}

/** @param {import("./state.js").Condition} condition @param {number} since_s */
export function about(condition, since_s) {
  return [
    PRIORITY_WORDS[condition.priority],
    condition.technical ? "equipment" : "patient",
    condition.source,
    `since ${span(condition.age_s + since_s)}`,
    condition.active ? "" : "cause gone, latched",
    condition.inactivation === "enabled" ? "" : condition.inactivation.replace("-", " "),
  ].filter(Boolean).join(" · ");
}

function chip(condition) {
  const acknowledged = condition.inactivation === "acknowledged";
  return h("p.other", { "data-priority": condition.priority, title: condition.text }, acknowledged ? icon("acknowledged") : "",
    `${MARKS[condition.priority]} ${sentence(condition.text)}`);
}

function aloud(condition) {
  const acknowledged = condition.inactivation === "acknowledged" ? ", acknowledged" : "";
  return `${PRIORITY_WORDS[condition.priority]} alarm: ${condition.text}${acknowledged}`;
}
