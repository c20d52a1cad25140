/** Making and changing elements without ever touching what has not changed, so that animations keep their beat. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag `div.class.other`
 * @param {Object<string, string|number|boolean|Function|null>} [attributes] functions become listeners; null and false none
 * @param {...(Node|string)} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  return furnish(document.createElement(name), classes, attributes, children);
}

/** The same for SVG. @returns {SVGElement} */
export function s(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  return furnish(document.createElementNS(SVG, name), classes, attributes, children);
}

function furnish(element, classes, attributes, children) {
  if (classes.length) element.setAttribute("class", classes.join(" "));
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value !== null && value !== false) element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** @param {string} name of a symbol in index.html @returns {SVGElement} */
export function icon(name) {
  return s("svg.icon", { "aria-hidden": "true" }, s("use", { href: `#icon-${name}` }));
}

/** @param {Element} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {Element} element @param {string} name @param {string|null} value null removes it */
export function mark(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** @param {Element} element @param {boolean} shown */
export function show(element, shown) {
  if (element.hidden === shown) element.hidden = !shown;
}

/** @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no #${id}`);
  return element;
}

/**
 * A horizontal bar of 0 to 1 with a mark.
 * @param {number|null} part null draws an empty track @param {number|null} limit null draws no mark
 */
export function bar(part, limit = null) {
  const drawn = s("svg.bar", { viewBox: "0 0 200 10", preserveAspectRatio: "none", "aria-hidden": "true" });
  drawn.append(s("rect.track", { width: 200, height: 10 }));
  if (part !== null) drawn.append(s("rect.part", { width: 200 * Math.min(Math.max(part, 0), 1), height: 10 }));
  if (limit !== null) drawn.append(s("line.mark", { x1: 200 * limit, x2: 200 * limit, y1: 0, y2: 10, "vector-effect": "non-scaling-stroke" }));
  return drawn;
}
