/**
 * The live chart: MAP of the last 30 minutes, the event threshold, and the forecast of the next 15 as a fan.
 * Where MAP was not valid the line breaks and the gap is hatched. Without a current forecast there is no fan.
 */

import { byId, h, s, say } from "./elements.js";
import { forecast, measured } from "./state.js";
import { area, areasBelow, gaps, hatchings, linear, path, pressureDomain, runs } from "./scale.js";

const BACK_MIN = -30;
const AHEAD_MIN = 15;
const EVERY_MIN = 5;
const EVERY_MMHG = 20;

/** Change of the risk below which no stretch is shaded: the screen tells whole per cents. */
const LEAST_CHANGE = 0.01;

/** Letters' heights kept free for the axes. */
const ROOM = { top: 1.7, right: 0.6, bottom: 1.5, left: 2.5 };

/** @returns {{show: (state: import("./state.js").State) => void}} */
export function trend() {
  const root = byId("trend");
  const chart = s("svg.chart", { role: "img" });
  const ahead = h("span");
  root.append(chart, h("p.legend", { "aria-hidden": "true" }, h("span", {}, "MAP, mmHg"), ahead));
  let state = null;
  new ResizeObserver(() => state && draw(chart, state)).observe(root);
  return {
    show(latest) {
      state = latest;
      say(ahead, forecast(state) ? "forecast: median and 80 % band" : "");
      draw(chart, state);
    },
  };
}

/** @param {SVGElement} chart @param {import("./state.js").State} state */
function draw(chart, state) {
  const { width, height } = chart.getBoundingClientRect();
  if (!width || !height) return;
  const values = state.trend.map_mmhg.map(measured);
  const minutes = state.trend.minutes;
  const decision = forecast(state);
  const fan = decision ? moved(decision) : null;
  const plot = frameOf(width, height, pressureDomain([...values, ...(fan ? [...fan.q10, ...fan.q90] : [])]));
  chart.setAttribute("viewBox", `0 0 ${width} ${height}`);
  chart.setAttribute("aria-label", summary(values, fan, state.rules));
  chart.replaceChildren(
    hatchings(),
    ...axes(plot),
    ...gaps(minutes, values, state.trend.step_s / 60).map(([from, to]) => box("gap", from, to, plot)),
    ...leaned(decision, plot),
    ...measuredLine(minutes, values, state.rules.map_mmhg, plot),
    ...(fan ? fanOf(fan, plot) : noFan(plot)),
    ...threshold(state.rules.map_mmhg, plot),
    s("line.now", { x1: plot.x(0), x2: plot.x(0), y1: plot.top, y2: plot.bottom }),
    label("now", 0, plot.bottom + plot.em * 1.1, plot, "middle", "strong"),
  );
}

function frameOf(width, height, domain) {
  const em = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const [top, bottom] = [ROOM.top * em, height - ROOM.bottom * em];
  return {
    em, domain, top, bottom, middle: (top + bottom) / 2,
    x: linear([BACK_MIN, AHEAD_MIN], [ROOM.left * em, width - ROOM.right * em]),
    y: linear(domain, [bottom, top]),
  };
}

/** The fan told in minutes from now, not from the decision. */
function moved({ age_s, map }) {
  const minutes = map.minutes.map((minute) => minute - age_s / 60);
  const ahead = minutes.findIndex((minute) => minute >= 0);
  const from = ahead < 0 ? minutes.length : ahead;
  const { q10, q50, q90 } = map;
  return { minutes: minutes.slice(from), q10: q10.slice(from), q50: q50.slice(from), q90: q90.slice(from) };
}

function axes(plot) {
  const [low, high] = plot.domain;
  const drawn = [s("rect.future", { x: plot.x(0), y: plot.top, width: plot.x(AHEAD_MIN) - plot.x(0), height: plot.bottom - plot.top })];
  for (let mmhg = low; mmhg <= high; mmhg += EVERY_MMHG) {
    drawn.push(s("line.grid", { x1: plot.x(BACK_MIN), x2: plot.x(AHEAD_MIN), y1: plot.y(mmhg), y2: plot.y(mmhg) }));
    drawn.push(s("text", { x: plot.x(BACK_MIN) - plot.em * 0.4, y: plot.y(mmhg) + plot.em * 0.3, "text-anchor": "end" }, String(mmhg)));
  }
  for (let minute = BACK_MIN; minute <= AHEAD_MIN; minute += EVERY_MIN) {
    drawn.push(s("line.grid", { x1: plot.x(minute), x2: plot.x(minute), y1: plot.top, y2: plot.bottom }));
    const anchor = minute === AHEAD_MIN ? "end" : "middle";
    const words = minute > 0 ? `+${minute}` : String(minute).replace("-", "−");
    if (minute) drawn.push(label(minute === BACK_MIN ? `${words} min` : words, minute, plot.bottom + plot.em * 1.1, plot, anchor));
  }
  return drawn;
}

function measuredLine(minutes, values, limit, plot) {
  const drawn = runs(minutes, values).flatMap((points) => [
    ...areasBelow(points, limit, plot.x, plot.y).map((d) => s("path.below", { d })),
    s("path.map-line", { d: path(points, plot.x, plot.y) }),
  ]);
  const newest = values.length - 1;
  if (newest >= 0 && values[newest] !== null) {
    drawn.push(s("circle.newest", { cx: plot.x(minutes[newest]), cy: plot.y(values[newest]), r: plot.em * 0.35 }));
  }
  return drawn;
}

function noFan(plot) {
  return [
    box("no-forecast", 0, AHEAD_MIN, plot),
    label("no forecast", AHEAD_MIN / 2, plot.middle, plot, "middle", "strong"),
  ];
}

function fanOf({ minutes, q10, q50, q90 }, plot) {
  if (!minutes.length) return [];
  const median = minutes.map((minute, place) => [minute, q50[place]]);
  const last = minutes.length - 1;
  const x = plot.x(minutes[last]) - plot.em * 0.3;
  const end = (value, shift) => s("text.of-forecast", { x, y: plot.y(value) + shift, "text-anchor": "end" }, value.toFixed(0));
  return [
    s("path.band", { d: area(minutes, q90, q10, plot.x, plot.y) }),
    s("path.median", { d: path(median, plot.x, plot.y) }),
    end(q90[last], -plot.em * 0.3),
    end(q50[last], -plot.em * 0.35),
    end(q10[last], plot.em),
  ];
}

function leaned(decision, plot) {
  const influence = decision?.influence;
  if (!influence || Math.abs(influence.change) < LEAST_CHANGE) return [];
  const [from, to] = [influence.from_min, influence.to_min].map((minute) => minute - decision.age_s / 60);
  return [
    box("leaned", from, to, plot),
    label("leaned on most", Math.max(to, BACK_MIN + 10), plot.top + plot.em * 1.1, plot, "end", "of-forecast"),
  ];
}

function threshold(mmhg, plot) {
  const y = plot.y(mmhg);
  return [
    s("line.event-line", { x1: plot.x(BACK_MIN), x2: plot.x(AHEAD_MIN), y1: y, y2: y }),
    s("text.strong", { x: plot.x(BACK_MIN) + plot.em * 0.3, y: y - plot.em * 0.35 }, `event < ${mmhg}`),
  ];
}

function box(kind, from, to, plot) {
  const [left, right] = [plot.x(Math.max(from, BACK_MIN)), plot.x(Math.min(to, AHEAD_MIN))];
  return s(`rect.${kind}`, { x: left, y: plot.top, width: Math.max(right - left, 0), height: plot.bottom - plot.top });
}

function label(words, minute, y, plot, anchor, kind = "plain") {
  return s(`text.${kind}`, { x: plot.x(minute), y, "text-anchor": anchor }, words);
}

function summary(values, fan, { map_mmhg: limit }) {
  const newest = values.at(-1) ?? null;
  const now = newest === null ? "MAP is not valid now." : `MAP is ${newest.toFixed(0)} now.`;
  const [minutes, low, median, high] = ["minutes", "q10", "q50", "q90"].map((name) => fan?.[name].at(-1)?.toFixed(0));
  const ahead = minutes ? `Forecast in ${minutes} minutes: median ${median}, 80 % band ${low} to ${high}.` : "No forecast.";
  return `${now} ${ahead} Event threshold ${limit}, in mmHg.`;
}
