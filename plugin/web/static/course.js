/** The chart of a whole case, drawn for one stretch of it: pressure above, risk below, the same times for both. */

import { s } from "./elements.js";
import { MARKS, measured } from "./state.js";
import { area, areasBelow, gaps, hatchings, linear, path, pressureDomain, runs } from "./scale.js";
import { clockTime } from "./words.js";

/**
 * @typedef {{step_s: number, start_wall: string, map_mmhg: (number|null)[], decisions: Object[], alarms: Object[], events: Object[]}} Course
 */

/** Forecasts are drawn at the time that they spoke of. */
export const FORECAST_LEAD_S = 300;

/** Seconds between two forecasts from which they are not joined by a line. */
export const FORECAST_GAP_S = 120;

const RISK_SHARE = 0.26;
const TICKS_S = [60, 300, 600, 900, 1800, 3600, 7200, 14400];

/** Transitions that begin an occurrence; the panel of alarms tells the others too. */
const RAISED = new Set(["raised", "raised again", "escalated"]);

/** @param {number} width of the chart in pixels @returns {{em: number, x0: number, x1: number}} where its times begin and end */
export function edges(width) {
  const em = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  return { em, x0: 2.5 * em, x1: width - 0.8 * em };
}

/**
 * @param {Course} course
 * @param {import("./state.js").State["rules"]|null} rules
 * @param {{from: number, to: number}} view seconds since the begin of the case
 * @param {number|null} cursor the moment that is read, likewise
 * @param {number} width @param {number} height pixels
 * @returns {SVGElement[]}
 */
export function drawn(course, rules, view, cursor, width, height) {
  const { em, x0, x1 } = edges(width);
  const limit = rules?.map_mmhg ?? null;
  const top = 1.5 * em;
  const bottom = height - 1.5 * em;
  const split = bottom - RISK_SHARE * (bottom - top);
  const times = course.map_mmhg.map((_, place) => place * course.step_s);
  const values = course.map_mmhg.map(measured);
  const domain = pressureDomain(values);
  const x = linear([view.from, view.to], [x0, x1]);
  const y = linear(domain, [split - 0.6 * em, top]);
  const p = linear([0, 1], [bottom, split]);
  const clip = s("clipPath", { id: "review-clip" }, s("rect", { x: x0, y: 0, width: x1 - x0, height }));
  const inside = s("g", { "clip-path": "url(#review-clip)" },
    ...course.events.map(({ start_s, end_s }) => band("event", x, start_s, end_s ?? times.at(-1), split - 0.9 * em, split - 0.6 * em)),
    ...gaps(times, values, course.step_s).map(([from, to]) => band("gap", x, from, to, top, split - 0.6 * em)),
    ...forecasts(course.decisions, x, y),
    ...runs(times, values).flatMap((run) => [
      ...(limit === null ? [] : areasBelow(run, limit, x, y).map((d) => s("path.below", { d }))),
      s("path.map-line", { d: path(run, x, y) }),
    ]),
    ...risks(course.decisions, rules, x, p, view, [split, bottom]),
    ...course.alarms.flatMap((alarm) => alarmMark(alarm, x, top, bottom, em)),
    ...(cursor === null ? [] : [s("line.cursor", { x1: x(cursor), x2: x(cursor), y1: top, y2: bottom })]));
  return [hatchings(), s("defs", {}, clip), ...scales(course, view, domain, x, y, { em, x0, x1, top, split, bottom, limit }), inside];
}

function scales(course, view, [low, high], x, y, { em, x0, x1, top, split, bottom, limit }) {
  const shown = [];
  for (let mmhg = low; mmhg <= high; mmhg += 20) {
    shown.push(s("line.grid", { x1: x0, x2: x1, y1: y(mmhg), y2: y(mmhg) }));
    shown.push(s("text", { x: x0 - 0.4 * em, y: y(mmhg) + 0.3 * em, "text-anchor": "end" }, String(mmhg)));
  }
  if (limit !== null) shown.push(s("line.event-line", { x1: x0, x2: x1, y1: y(limit), y2: y(limit) }));
  shown.push(s("line.grid", { x1: x0, x2: x1, y1: split, y2: split }), s("line.grid", { x1: x0, x2: x1, y1: bottom, y2: bottom }));
  shown.push(s("text", { x: x0 - 0.4 * em, y: (split + bottom) / 2, "text-anchor": "end" }, "risk"));
  const start = new Date(course.start_wall).getTime();
  const fits = Math.max(2, (x1 - x0) / (5 * em));
  const every = TICKS_S.find((tick) => (view.to - view.from) / tick <= fits) ?? TICKS_S.at(-1);
  const offset = (every - ((start / 1000) % every)) % every;
  for (let time = offset; time <= view.to; time += every) {
    if (time < view.from) continue;
    shown.push(s("line.grid", { x1: x(time), x2: x(time), y1: top, y2: bottom }));
    shown.push(s("text", { x: x(time), y: bottom + 1.1 * em, "text-anchor": "middle" }, clockTime(start + 1000 * time, false)));
  }
  return shown;
}

function band(kind, x, from, to, top, bottom) {
  return s(`rect.${kind}`, { x: x(from), y: top, width: Math.max(x(to) - x(from), 1), height: bottom - top });
}

/** Forecasts in a row, broken where none was made. */
function inRows(decisions, told) {
  const rows = [];
  let before = -Infinity;
  for (const decision of decisions) {
    if (told(decision) === null) continue;
    if (decision.t_s - before > FORECAST_GAP_S) rows.push([]);
    rows.at(-1).push(decision);
    before = decision.t_s;
  }
  return rows;
}

function forecasts(decisions, x, y) {
  return inRows(decisions, ({ q50_5 }) => measured(q50_5)).flatMap((row) => {
    const times = row.map(({ t_s }) => t_s + FORECAST_LEAD_S);
    const median = row.map(({ q50_5 }, place) => [times[place], q50_5]);
    return [
      s("path.band", { d: area(times, row.map(({ q90_5 }) => q90_5), row.map(({ q10_5 }) => q10_5), x, y) }),
      s("path.median", { d: path(median, x, y) }),
    ];
  });
}

function risks(decisions, rules, x, p, view, [top, bottom]) {
  const lines = inRows(decisions, ({ risk10 }) => measured(risk10))
    .map((row) => s("path.risk-line", { d: path(row.map(({ t_s, risk10 }) => [t_s, risk10]), x, p) }));
  const none = runs(decisions.map(({ t_s }) => t_s), decisions.map(({ risk10 }) => (measured(risk10) === null ? 1 : null)))
    .map((run) => band("no-forecast", x, run[0][0], run.at(-1)[0], top, bottom));
  const limit = rules ? [s("line.limit", { x1: x(view.from), x2: x(view.to), y1: p(rules.p_on), y2: p(rules.p_on) })] : [];
  return [...none, ...limit, ...lines];
}

function alarmMark({ t_s, priority, transition, condition }, x, top, bottom, em) {
  if (!RAISED.has(transition)) return [];
  return [
    s("line.alarm-tick", { "data-priority": priority, x1: x(t_s), x2: x(t_s), y1: top, y2: bottom }),
    s("text.alarm-mark", { "data-priority": priority, x: x(t_s), y: top - 0.2 * em, "text-anchor": "middle" }, MARKS[priority],
      s("title", {}, `${condition}: ${transition}`)),
  ];
}
