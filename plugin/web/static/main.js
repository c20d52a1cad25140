/** Puts the page together: the tiles of all beds at `/`, one bed at `/bed/SLUG`, or at `/` where there is only one. */

import { acting, login } from "./acts.js";
import { banner } from "./banner.js";
import { tiles } from "./beds.js";
import { caseFile } from "./case.js";
import { controls } from "./controls.js";
import { byId, say, show } from "./elements.js";
import { history, recent } from "./history.js";
import { keyHelp, listen } from "./keys.js";
import { follow } from "./link.js";
import { askedToken, panel } from "./panel.js";
import { numerics, pressure, signal } from "./readings.js";
import { review } from "./review.js";
import { lean, risk } from "./risk.js";
import { applyTheme, turnTheme } from "./theme.js";
import { staleness, top } from "./top.js";
import { trend } from "./trend.js";

const TICK_MS = 250;
const RETRY_MS = 2000;
const TOLD_MS = 8000;

/** @param {string} bed @param {import("./panel.js").Panel} open @param {Object} person as acts.js knows one */
function bedPage(bed, open, person) {
  show(byId("bed"), true);
  let state = null;
  const act = acting(bed, person);
  const buttons = controls(act, open);
  const views = [top(), banner(), pressure(), numerics(), trend(), signal(), lean(), risk(), recent(), buttons, open];
  const stale = staleness();
  const link = follow(bed, (latest) => {
    state = latest;
    for (const view of views) view.show(latest);
    stale.tick(0, true);
  }, () => login(person));
  setInterval(() => {
    const silence = link.silence();
    stale.tick(silence, state !== null);
    for (const view of views) view.tick?.(silence);
  }, TICK_MS);
  stale.tick(0, false);
  wire(bed, open, act, buttons, () => state);
}

function wire(bed, open, act, buttons, current) {
  const contents = { history: history(act, current), review: review(bed, current), case: caseFile(act, open, current), keys: keyHelp() };
  const turn = (name) => (open.showing() === contents[name] ? open.close() : open.open(contents[name]));
  for (const button of document.querySelectorAll("[data-panel]")) button.addEventListener("click", () => turn(button.dataset.panel));
  byId("theme").addEventListener("click", turnTheme);
  listen({
    a: () => buttons.run("acknowledge"), p: () => buttons.run("pause-audio"),
    o: () => buttons.run("audio-off"), l: () => buttons.run("pause-alarms"),
    h: () => turn("history"), r: () => turn("review"), c: () => turn("case"), t: turnTheme, "?": () => turn("keys"), Esc: open.close,
  });
}

let forgetting = 0;

function told(words) {
  say(byId("told"), words);
  clearTimeout(forgetting);
  forgetting = setTimeout(() => say(byId("told"), ""), TOLD_MS);
}

async function start() {
  applyTheme();
  const named = /^\/bed\/([^/]+)\/?$/.exec(location.pathname);
  const open = panel();
  const person = { told, askToken: () => askedToken(open) };
  const beds = await listed(person);
  show(byId("to-beds"), beds.length > 1);
  if (named || beds.length === 1) return bedPage(named ? named[1] : beds[0].bed, open, person);
  show(byId("bed"), false);
  show(byId("beds"), true);
  listen({ t: turnTheme });
  return tiles(beds);
}

/** Ask for the beds until there is an answer: the service may be starting, or want a token before it tells them. */
async function listed(person) {
  for (;;) {
    const answer = await fetch("/api/beds").catch(() => null);
    if (answer?.ok) return answer.json();
    show(byId("bed"), true);
    if (answer?.status === 401) await login(person);
    else await new Promise((again) => setTimeout(again, RETRY_MS));
  }
}

start();
