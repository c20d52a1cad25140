/** Numbers, times and the wire's short words, as a person reads them. What is missing reads as two dashes. */

import { measured } from "./state.js";

export const NONE = "– –";

const REASONS = {
  calibrating: "calibrating", code: "code, no number", demo: "demo mode", disagree: "two lines disagree",
  disconnected: "disconnected", flat: "flat line", flush: "flush", invalid: "marked invalid", missing: "not received",
  range: "out of range", spike: "spike", test: "test signal", unavailable: "unavailable", unit: "unknown unit",
  zeroing: "zeroing", damping: "damped", frozen: "frozen", "too old": "too old", stale: "too old", "signal not usable": "see the words below",
};

/** @param {number|null|undefined} value @param {number} digits after the point */
export function figure(value, digits = 0) {
  const number = measured(value);
  return number === null ? NONE : number.toFixed(digits);
}

/** @param {number|null|undefined} p a probability @returns {string} whole percent; never a bare 0 % or 100 % */
export function percent(p) {
  const number = measured(p);
  if (number === null) return NONE;
  if (number < 0.01) return "<1 %";
  if (number > 0.99) return ">99 %";
  return `${Math.round(100 * number)} %`;
}

/** @param {number|null} seconds @returns {string} `4 s`, `12 min`, `3 h 05 min` */
export function span(seconds) {
  const number = measured(seconds);
  if (number === null) return NONE;
  if (number < 60) return `${Math.max(0, Math.floor(number))} s`;
  const minutes = Math.floor(number / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
}

/** @param {number} seconds @returns {string} `1:43`, rounded up so that the last second shows as 0:01 */
export function countdown(seconds) {
  const left = Math.max(0, Math.ceil(seconds));
  return `${Math.floor(left / 60)}:${pad(left % 60)}`;
}

/** @param {number|null} seconds @returns {string} `0:30:30` since admission */
export function caseTime(seconds) {
  const number = measured(seconds);
  if (number === null) return NONE;
  const whole = Math.floor(number);
  return `${Math.floor(whole / 3600)}:${pad(Math.floor(whole / 60) % 60)}:${pad(whole % 60)}`;
}

/** @param {string|number} wall ISO text or milliseconds @param {boolean} seconds @returns {string} local `21:04:09` */
export function clockTime(wall, seconds = true) {
  const date = new Date(wall);
  if (Number.isNaN(date.getTime())) return NONE;
  const parts = [date.getHours(), date.getMinutes(), date.getSeconds()];
  return parts.slice(0, seconds ? 3 : 2).map(pad).join(":");
}

/** @param {string|null|undefined} reason @returns {string} */
export function reasonWords(reason) {
  return reason ? REASONS[reason] ?? reason : "";
}

/** @param {string} text @returns {string} with a capital first letter */
export function sentence(text) {
  return text ? text[0].toUpperCase() + text.slice(1) : "";
}

function pad(number) {
  return String(number).padStart(2, "0");
}
