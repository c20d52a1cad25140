/** Axes and paths for both charts: numbers in, SVG coordinates out. A null breaks a line; nothing bridges it. */

import { s } from "./elements.js";

/**
 * @param {[number, number]} domain @param {[number, number]} range pixels
 * @returns {(value: number) => number} rounded to a tenth of a pixel
 */
export function linear([from, to], [start, end]) {
  const slope = (end - start) / (to - from);
  return (value) => Math.round(10 * (start + (value - from) * slope)) / 10;
}

/** Pressures always in view, mmHg; beyond them the axis grows by whole steps, up to what can be a pressure. */
const USUAL = [40, 110];
const GROWTH = 20;
const POSSIBLE = [0, 220];

/** @param {(number|null)[]} values mmHg @returns {[number, number]} */
export function pressureDomain(values) {
  const known = values.filter((value) => value !== null);
  const low = known.reduce((least, value) => Math.min(least, value), USUAL[0]);
  const high = known.reduce((most, value) => Math.max(most, value), USUAL[1]);
  return [
    Math.max(POSSIBLE[0], USUAL[0] - GROWTH * Math.ceil((USUAL[0] - low) / GROWTH)),
    Math.min(POSSIBLE[1], USUAL[1] + GROWTH * Math.ceil((high - USUAL[1]) / GROWTH)),
  ];
}

/**
 * Cut a series where values are missing.
 * @param {number[]} xs @param {(number|null)[]} ys
 * @returns {[number, number][][]} runs of points
 */
export function runs(xs, ys) {
  const all = [];
  let run = [];
  ys.forEach((y, place) => {
    if (y !== null && y !== undefined) run.push([xs[place], y]);
    else if (run.length) run = (all.push(run), []);
  });
  if (run.length) all.push(run);
  return all;
}

/**
 * @param {[number, number][]} points in the data's units
 * @param {(x: number) => number} x @param {(y: number) => number} y
 */
export function path(points, x, y) {
  return points.map(([px, py], place) => `${place ? "L" : "M"}${x(px)} ${y(py)}`).join("");
}

/** A closed area between two edges over the same xs. */
export function area(xs, upper, lower, x, y) {
  const there = xs.map((px, place) => [px, upper[place]]);
  const back = xs.map((px, place) => [px, lower[place]]).reverse();
  return `${path([...there, ...back], x, y)}Z`;
}

/** The parts of a run that lie below a limit, closed against it. @returns {string[]} path data */
export function areasBelow(points, limit, x, y) {
  const under = [];
  let part = [];
  const close = () => {
    if (part.length) under.push(`${path([[part[0][0], limit], ...part, [part.at(-1)[0], limit]], x, y)}Z`);
    part = [];
  };
  points.forEach(([px, py], place) => {
    const before = points[place - 1];
    if (before && before[1] < limit !== py < limit) {
      const cross = before[0] + ((px - before[0]) * (limit - before[1])) / (py - before[1]);
      part.push([cross, limit]);
      if (py >= limit) close();
    }
    if (py < limit) part.push([px, py]);
  });
  close();
  return under;
}

/** Where values are missing, as [from, to] in the xs' units, half a step wider on each side. */
export function gaps(xs, ys, step) {
  return runs(xs, ys.map((y) => (y === null || y === undefined ? 1 : null)))
    .map((run) => [run[0][0] - step / 2, run.at(-1)[0] + step / 2]);
}

/** Hatchings that carry without colour what colours carry. */
export function hatchings() {
  const hatch = (id, size, d) => s("pattern", { id, width: size, height: size, patternUnits: "userSpaceOnUse" }, s("path", { d }));
  return s("defs", {},
    hatch("gap-hatch", 10, "M0 10 10 0M-2 2 2 -2M8 12 12 8"),
    hatch("below-hatch", 5, "M0 0 5 5M-1 4 1 6M4 -1 6 1"),
    hatch("lean-hatch", 9, "M4.5 0V9"));
}
