/** Which conditions stand, each to be acknowledged by itself, and what has come and gone. */

import { about } from "./banner.js";
import { byId, h, icon } from "./elements.js";
import { MARKS, inOrder } from "./state.js";
import { clockTime, percent, sentence } from "./words.js";

const RECENT = 5;

/**
 * @param {import("./acts.js").Act} act
 * @param {() => import("./state.js").State|null} current
 * @returns {import("./panel.js").Content}
 */
export function history(act, current) {
  const standing = h("ul.standing");
  const rows = h("tbody");
  let drawn = "";

  function draw(state) {
    const looks = JSON.stringify([state.alarm.conditions.map(({ age_s, ...rest }) => [Math.floor(age_s / 60), rest]), state.history]);
    if (looks === drawn) return;
    drawn = looks;
    const held = document.activeElement?.dataset?.occurrence;
    standing.replaceChildren(...inOrder(state.alarm).map((condition) => standingRow(condition, act)));
    if (!standing.childElementCount) standing.append(h("li", {}, "No alarm condition"));
    rows.replaceChildren(...[...state.history].reverse().map(historyRow));
    if (held) standing.querySelector(`[data-occurrence="${held}"]`)?.focus();
  }

  return {
    title: "Alarms of this case",
    open() {
      drawn = "";
      if (current()) draw(current());
      const heads = ["Time", "Priority", "What", "Reason", "Risk"].map((word) => h("th", { scope: "col" }, word));
      return h("div", {}, h("h3", {}, "Standing now"), standing, h("h3", {}, "History, newest first"),
        h("table.table", {}, h("thead", {}, h("tr", {}, ...heads)), rows));
    },
    show: draw,
  };
}

function standingRow(condition, act) {
  const acknowledged = condition.inactivation === "acknowledged";
  return h("li", {}, priority(condition.priority),
    h("div", {}, h("b", {}, sentence(condition.text)), h("p.hint", {}, about(condition, 0))),
    acknowledged ? h("span", {}, icon("acknowledged"), " acknowledged") : h("button", {
      type: "button", "data-occurrence": condition.occurrence, click: () => act("acknowledge", { occurrence: condition.occurrence }),
    }, icon("acknowledged"), "Acknowledge"));
}

function historyRow(row) {
  return h("tr", {},
    h("td", {}, clockTime(row.wall)), h("td", {}, row.priority ? priority(row.priority) : ""),
    h("td", {}, [row.condition, row.transition].filter(Boolean).map(sentence).join(": ")),
    h("td", {}, row.reason), h("td.figures", {}, row.score === null ? "" : percent(row.score)));
}

function priority(word) {
  return h("span.priority", { "data-priority": word, title: `${word} priority` }, MARKS[word] ?? "");
}

/** The last few transitions, where the screen has room for them. */
export function recent() {
  const root = byId("recent");
  const list = h("ul");
  root.append(h("h2.label", {}, "Latest alarm transitions"), list);
  return {
    show(state) {
      const looks = JSON.stringify(state.history.slice(-RECENT));
      if (looks === list.dataset.drawn) return;
      list.dataset.drawn = looks;
      list.replaceChildren(...state.history.slice(-RECENT).reverse().map((row) =>
        h("li", {}, h("time", {}, clockTime(row.wall, false)), row.priority ? priority(row.priority) : h("span"),
          h("span", {}, [row.condition, row.transition].filter(Boolean).join(": ")))));
      if (!list.childElementCount) list.append(h("li", {}, h("span"), h("span"), h("span", {}, "none yet")));
    },
  };
}
