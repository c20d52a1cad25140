/**
 * The one panel that opens over the chart and the risk, never over the alarm banner or the pressure.
 * It takes the focus when it opens and gives it back when it closes; Tab walks on out of it, Escape closes it.
 */

import { byId, h, say, show } from "./elements.js";

/**
 * @typedef {{title: string, open: () => Node, show?: (state: Object) => void, close?: () => void}} Content
 * @typedef {{open: (content: Content) => void, close: () => void, showing: () => Content|null,
 *   show: (state: Object) => void}} Panel
 * @returns {Panel}
 */
export function panel() {
  const root = byId("panel");
  const place = byId("panel-content");
  let content = null;
  let cameFrom = null;

  function open(next) {
    if (!content) cameFrom = document.activeElement;
    content?.close?.();
    content = next;
    say(byId("panel-title"), next.title);
    place.replaceChildren(next.open());
    place.scrollTop = 0;
    show(root, true);
    (place.querySelector("[autofocus]") ?? root).focus();
  }

  function close() {
    if (!content) return;
    const closed = content;
    content = null;
    show(root, false);
    place.replaceChildren();
    cameFrom?.focus();
    closed.close?.();
  }

  byId("close-panel").addEventListener("click", close);
  return { open, close, showing: () => content, show: (state) => content?.show?.(state) };
}

/**
 * Ask before an act that cannot simply be taken back; the focus stands on the answer that changes nothing.
 * @param {Panel} where
 * @param {{title: string, words: string, yes: string, no: string}} question
 * @returns {Promise<boolean>}
 */
export function confirmed(where, { title, words, yes, no }) {
  return new Promise((answer) => {
    const given = (value) => () => {
      answer(value);
      where.close();
    };
    where.open({
      title,
      open: () => h("div.ask", {}, h("p", {}, words), h("div.buttons", {},
        h("button.main", { type: "button", autofocus: true, click: given(false) }, no),
        h("button", { type: "button", click: given(true) }, yes))),
      close: () => answer(false),
    });
  });
}

/** @param {Panel} where @returns {Promise<string|null>} the token that was typed, null when it was not */
export function askedToken(where) {
  return new Promise((answer) => {
    const field = h("input", { type: "password", name: "token", autocomplete: "off", autofocus: true, required: true });
    const submit = (event) => {
      event.preventDefault();
      answer(field.value);
      where.close();
    };
    where.open({
      title: "Token",
      open: () => h("form.ask", { submit },
        h("p", {}, "Whoever acts on this bed has to know its token. Looking needs none."),
        h("label", {}, "Token", field),
        h("div.buttons", {}, h("button.main", { type: "submit" }, "Use this token"))),
      close: () => answer(null),
    });
  });
}
