/**
 * The whole case: MAP as measured, what was forecast five minutes before, the risk at the alarm's horizon,
 * events, alarms. Drag or arrow keys move the time, + and - zoom, a tap reads one moment.
 */

import { FORECAST_GAP_S, FORECAST_LEAD_S, drawn, edges } from "./course.js";
import { h, icon, s, say } from "./elements.js";
import { measured } from "./state.js";
import { NONE, clockTime, figure, percent } from "./words.js";

const SHORTEST_S = 600;
const ZOOM = 2;

/**
 * @param {string} bed
 * @param {() => import("./state.js").State|null} current
 * @returns {import("./panel.js").Content}
 */
export function review(bed, current) {
  const chart = s("svg.chart.plot", { role: "img", tabindex: 0, "aria-label": "Trend of the whole case; arrow keys move, plus and minus zoom" });
  const read = h("p.read", { role: "status" });
  /** @type {import("./course.js").Course|null} */
  let course = null;
  let view = { from: 0, to: SHORTEST_S };
  let cursor = null;
  const sized = new ResizeObserver(() => course && draw());

  const whole = () => ({ from: 0, to: Math.max(course.map_mmhg.length * course.step_s, SHORTEST_S) });

  function look(from, length) {
    const all = whole();
    const kept = Math.min(Math.max(length, SHORTEST_S), all.to);
    const start = Math.min(Math.max(from, 0), all.to - kept);
    view = { from: start, to: start + kept };
    draw();
  }

  function zoom(factor, at = (view.from + view.to) / 2) {
    const length = (view.to - view.from) / factor;
    look(at - ((at - view.from) / (view.to - view.from)) * length, length);
  }

  const pan = (share) => look(view.from + share * (view.to - view.from), view.to - view.from);

  function draw() {
    const { width, height } = chart.getBoundingClientRect();
    if (!width || !height) return;
    chart.setAttribute("viewBox", `0 0 ${width} ${height}`);
    chart.replaceChildren(...drawn(course, current()?.rules ?? null, view, cursor, width, height));
    say(read, cursor === null ? "Tap or use the arrow keys with Shift to read one moment." : moment(course, cursor));
  }

  function timeAt(event) {
    const { left, width } = chart.getBoundingClientRect();
    const { x0, x1 } = edges(width);
    return view.from + ((event.clientX - left - x0) / (x1 - x0)) * (view.to - view.from);
  }

  function readAt(time) {
    const last = (course.map_mmhg.length - 1) * course.step_s;
    cursor = Math.min(Math.max(Math.round(time / course.step_s) * course.step_s, 0), Math.max(last, 0));
    draw();
  }

  function dragged(down) {
    const from = view;
    const perPixel = (view.to - view.from) / chart.getBoundingClientRect().width;
    let moved = false;
    const move = (event) => {
      moved ||= Math.abs(event.clientX - down.clientX) > 6;
      if (moved) look(from.from - (event.clientX - down.clientX) * perPixel, from.to - from.from);
    };
    const up = (event) => {
      chart.removeEventListener("pointermove", move);
      if (!moved) readAt(timeAt(event));
    };
    chart.setPointerCapture(down.pointerId);
    chart.addEventListener("pointermove", move);
    chart.addEventListener("pointerup", up, { once: true });
  }

  chart.addEventListener("pointerdown", (event) => course && dragged(event));
  chart.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (course) zoom(event.deltaY < 0 ? ZOOM : 1 / ZOOM, timeAt(event));
  }, { passive: false });
  const keys = {
    ArrowLeft: () => pan(-0.2), ArrowRight: () => pan(0.2), "+": () => zoom(ZOOM), "-": () => zoom(1 / ZOOM),
    Home: () => pan(-Infinity), End: () => pan(Infinity),
    "Shift+ArrowLeft": () => readAt((cursor ?? view.to) - course.step_s),
    "Shift+ArrowRight": () => readAt((cursor ?? view.from) + course.step_s),
  };
  chart.addEventListener("keydown", (event) => {
    const key = keys[`${event.shiftKey && event.key.startsWith("Arrow") ? "Shift+" : ""}${event.key}`];
    if (!key || !course) return;
    event.preventDefault();
    key();
  });

  async function load() {
    try {
      const answer = await fetch(`/api/${bed}/trend`);
      const told = await answer.json();
      if (!answer.ok) throw new Error(told.error);
      course = told;
      look(0, whole().to);
    } catch (error) {
      say(read, `The course of the case could not be read: ${error.message}.`);
    }
  }

  const tool = (words, label, click) => h("button", { type: "button", "aria-label": label, click: () => course && click() }, words);
  return {
    title: "Review of the case",
    open() {
      cursor = null;
      sized.observe(chart);
      load();
      return h("div.review", {},
        h("div.buttons", {},
          tool("◀", "Earlier", () => pan(-0.5)), tool("▶", "Later", () => pan(0.5)),
          tool("−", "Zoom out", () => zoom(1 / ZOOM)), tool("+", "Zoom in", () => zoom(ZOOM)),
          tool("Whole case", "Whole case", () => look(0, whole().to)), tool("Last hour", "Last hour", () => look(Infinity, 3600)),
          h("a.button", { href: `/api/${bed}/summary`, target: "_blank", rel: "noopener" }, icon("case"), "Summary to print")),
        chart, read, legend());
    },
    close: () => sized.disconnect(),
  };
}

function moment(course, time) {
  const map = course.map_mmhg[Math.round(time / course.step_s)];
  const before = course.decisions.findLast(({ t_s }) => t_s <= time);
  const ahead = course.decisions.findLast(({ t_s }) => t_s <= time - FORECAST_LEAD_S);
  const told = ahead && measured(ahead.q50_5) !== null && time - FORECAST_LEAD_S - ahead.t_s < FORECAST_GAP_S
    ? `; five minutes before, ${figure(ahead.q50_5)} (${figure(ahead.q10_5)} to ${figure(ahead.q90_5)}) was forecast`
    : "";
  const at = clockTime(new Date(course.start_wall).getTime() + 1000 * time);
  const risk = before ? percent(before.risk10) : NONE;
  return `${at}: MAP ${figure(map)} mmHg; risk within 10 min ${risk}${told}.`;
}

function legend() {
  const key = (words, ...parts) => h("span", {}, s("svg.chart", { viewBox: "0 0 36 18", "aria-hidden": "true" }, ...parts), words);
  return h("p.legend", {},
    key("MAP", s("path.map-line", { d: "M1 12 12 6 24 12 35 5" })),
    key("forecast 5 min before, 80 % band", s("rect.band", { x: 1, y: 3, width: 34, height: 12 }), s("path.median", { d: "M1 9H35" })),
    key("risk within 10 min and alarm level",
      s("path.risk-line", { d: "M1 14 12 10 24 4 35 9" }), s("line.limit", { x1: 0, x2: 36, y1: 7, y2: 7 })),
    key("threshold", s("line.event-line", { x1: 0, x2: 36, y1: 9, y2: 9 })),
    key("event", s("rect.event", { x: 1, y: 6, width: 34, height: 6 })),
    h("span", {}, h("b", {}, "! !! !!!"), " alarm raised"));
}
