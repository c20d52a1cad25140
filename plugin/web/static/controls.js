/** The row of buttons below: the acts on the alarm system, and what opens a panel. */

import { byId, h, icon, mark, say } from "./elements.js";
import { confirmed } from "./panel.js";
import { countdown } from "./words.js";

export const AUDIO_PAUSE_S = 120;
export const ALARM_PAUSE_S = 300;

const AUDIO_OFF = {
  title: "Audio off?",
  words: "No alarm of this screen sounds until somebody turns the audio on again. A reminder sounds meanwhile.",
  yes: "Turn the audio off",
  no: "Keep the audio",
};

/**
 * @param {import("./acts.js").Act} act
 * @param {import("./panel.js").Panel} panel
 * @returns {{show: (state: import("./state.js").State) => void, tick: (since_s: number) => void, run: (name: string) => void}}
 */
export function controls(act, panel) {
  let alarm = null;
  const paused = { audio: false, alarms: false };
  const acts = {
    acknowledge: () => toAcknowledge() && act("acknowledge", { occurrence: null }),
    "pause-audio": () => (paused.audio || alarm?.audio_off ? act("resume-audio") : act("pause-audio", { seconds: AUDIO_PAUSE_S })),
    "audio-off": async () => {
      if (alarm?.audio_off) act("resume-audio");
      else if (await confirmed(panel, AUDIO_OFF)) act("audio-off");
    },
    "pause-alarms": () => (paused.alarms ? act("resume-alarms") : act("pause-alarms", { seconds: ALARM_PAUSE_S })),
  };
  const buttons = {
    acknowledge: button("acknowledge", "acknowledged", "Acknowledge", "a"),
    "pause-audio": button("pause-audio", "audio-paused", "", "p"),
    "audio-off": button("audio-off", "audio-off", "", "o"),
    "pause-alarms": button("pause-alarms", "alarm-paused", "", "l"),
  };
  byId("acts").append(
    ...Object.values(buttons),
    opener("history", "Alarms", "h"), opener("review", "Review", "r"), opener("case", "Case", "c"),
  );

  function button(name, symbol, words, key) {
    const attributes = { type: "button", "data-act": name, "aria-keyshortcuts": key, click: () => acts[name]() };
    return h("button", attributes, icon(symbol), h("span", {}, words));
  }

  function toAcknowledge() {
    return Boolean(alarm?.conditions.some(({ inactivation }) => inactivation !== "acknowledged"));
  }

  return {
    run: (name) => acts[name]?.(),
    show(state) {
      alarm = state.alarm;
      mark(buttons.acknowledge, "aria-disabled", toAcknowledge() ? null : "true");
      for (const each of Object.values(buttons)) mark(each, "title", state.may_act ? null : "Asks for the token first");
      this.tick(0);
    },
    tick(since_s) {
      if (!alarm) return;
      const audio_s = alarm.audio_pause_left_s - since_s;
      const alarms_s = alarm.alarm_pause_left_s - since_s;
      paused.audio = audio_s > 0;
      paused.alarms = alarms_s > 0;
      const audio = paused.audio ? `Resume audio\n${countdown(audio_s)}` : `Pause audio\n${AUDIO_PAUSE_S} s`;
      const alarms = paused.alarms ? `Resume alarms\n${countdown(alarms_s)}` : `Pause alarms\n${ALARM_PAUSE_S / 60} min`;
      say(buttons["pause-audio"].lastChild, audio);
      say(buttons["audio-off"].lastChild, alarm.audio_off ? "Audio on" : "Audio off");
      say(buttons["pause-alarms"].lastChild, alarms);
    },
  };
}

function opener(panel, words, key) {
  return h("button", { type: "button", "data-panel": panel, "aria-keyshortcuts": key }, icon(panel), h("span", {}, words));
}
