/**
 * The bed's state as the service sends it, and what may be read from it. Nothing here draws.
 *
 * A value is a finite number or it is null; null never turns into a number again.
 *
 * @typedef {"low"|"medium"|"high"} Priority
 * @typedef {{name: string, priority: Priority, technical: boolean, text: string, source: string, active: boolean,
 *   latching: boolean, age_s: number, occurrence: number, inactivation: string}} Condition
 * @typedef {{value: number|null, unit: string, age_s: number, reason: string|null}} Numeric
 * @typedef {{minutes: number[], q10: number[], q50: number[], q90: number[]}} Fan  mmHg, minutes after the decision
 * @typedef {{from_min: number, to_min: number, change: number, without_text: number, words: string}} Influence
 * @typedef {{state: string, age_s: number, reason: string|null, risk?: Object<string, number>, map?: Fan,
 *   gates?: Object<string, number>, influence?: Influence|null}} Decision
 * @typedef {{priority: Priority|null, sounding: Priority|null, audio_pause_left_s: number, audio_off: boolean,
 *   alarm_pause_left_s: number, conditions: Condition[]}} Alarm
 * @typedef {{wall: string, transition: string, condition: string, priority: string, occurrence: number,
 *   reason: string, score: number|null, threshold: number|null}} HistoryRow
 * @typedef {{bed: string, title: string, bundle: string, simulated: boolean, silent: boolean, serial: number,
 *   wall: string, case_s: number, alarm: Alarm, numerics: Object<string, Numeric>,
 *   signal: {usable: boolean, reason: string|null, words: string}, decision: Decision|null,
 *   rules: {map_mmhg: number, horizon_min: number, p_on: number, p_off: number},
 *   trend: {step_s: number, minutes: number[], map_mmhg: (number|null)[]},
 *   feeds: {name: string, status: string, frames: number, corrupt: number, losses: Object<string, number>}[],
 *   troubles: string[], case: Object|null, history: HistoryRow[], may_act: boolean}} State
 */

/** Seconds from which a value's age is shown as old, and from which the value itself is not shown. */
export const OLD_S = 10;
export const EXPIRED_S = 120;

/** Measured by a cuff every few minutes: its age is always told, and it is neither old nor expired for a while. */
export const SPOT = { channels: ["NIBP_MEAN", "NIBP_SYS", "NIBP_DIA"], old_s: 600, expired_s: 1800 };

/** Seconds after which a forecast no longer speaks for now: two decisions at the usual cadence of 30 s. */
export const FORECAST_OLD_S = 60;

export const PRIORITIES = ["low", "medium", "high"];
export const MARKS = { low: "!", medium: "!!", high: "!!!" };

/**
 * @param {unknown} value
 * @returns {number|null} the number, or null for whatever is none
 */
export function measured(value) {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/**
 * Read one channel, aged by the seconds since the state came.
 * @param {State} state @param {string} channel @param {number} since_s
 * @returns {{value: number|null, age_s: number|null, old: boolean, reason: string|null}}
 */
export function reading(state, channel, since_s) {
  const numeric = state.numerics[channel];
  if (!numeric) return { value: null, age_s: null, old: false, reason: "missing" };
  const age = measured(numeric.age_s);
  const age_s = age === null ? null : age + since_s;
  const [old_s, expired_s] = SPOT.channels.includes(channel) ? [SPOT.old_s, SPOT.expired_s] : [OLD_S, EXPIRED_S];
  const expired = age_s === null || age_s > expired_s;
  const usable = numeric.reason === null || numeric.reason === undefined;
  return {
    value: expired || !usable ? null : measured(numeric.value),
    age_s,
    old: age_s !== null && age_s > old_s,
    reason: numeric.reason ?? (expired ? "too old" : null),
  };
}

/** @param {Condition} condition */
export function isQuiet(condition) {
  return condition.inactivation === "acknowledged" || condition.inactivation === "alarm-paused";
}

/** @param {Condition|undefined} condition the one that is told first; by the standard, low priority does not flash */
export function flashes(condition) {
  return condition !== undefined && condition.priority !== "low" && !isQuiet(condition);
}

/**
 * Conditions in the order in which they are told: by priority, then those that nobody has acknowledged.
 * @param {Alarm} alarm @returns {Condition[]}
 */
export function inOrder(alarm) {
  const rank = (condition) => 2 * PRIORITIES.indexOf(condition.priority) + (isQuiet(condition) ? 0 : 1);
  return [...alarm.conditions].sort((one, other) => rank(other) - rank(one));
}

/** @param {State} state @returns {Decision|null} the decision when it is a forecast that speaks for now */
export function forecast(state, since_s = 0) {
  const decision = state.decision;
  const current = decision && decision.state === "forecast" && decision.risk && decision.map;
  return current && decision.age_s + since_s <= FORECAST_OLD_S ? decision : null;
}
