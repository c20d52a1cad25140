/**
 * The line to the service: server-sent events, watched by the page's own monotonic clock.
 *
 * A state counts as news only when its serial number has moved on: a service that repeats its last words is silent.
 * EventSource reconnects by itself after most breaks, not after all; so a silent line is opened anew for as long as
 * it stays silent. Where the service asks for a token before it tells anything, the person is asked.
 */

/** Seconds without news from which the screen is stale. */
export const STALE_S = 3;

const REOPEN_MS = 4000;
const TOKEN_NEEDED = 401;

/**
 * @param {string} bed
 * @param {(state: import("./state.js").State) => void} onState called for each state that is news
 * @param {() => Promise<unknown>} onLocked called when the service wants a token; resolves once one was given or not
 * @returns {{silence: () => number}} seconds since the last news, or since the page began
 */
export function follow(bed, onState, onLocked) {
  let source = null;
  let opened = 0;
  let news = performance.now();
  let serial = null;
  let asking = false;

  function open() {
    source?.close();
    opened = performance.now();
    source = new EventSource(`/api/${bed}/events`);
    source.addEventListener("state", take);
    source.addEventListener("error", () => source.readyState === EventSource.CLOSED && unlock());
  }

  function take(event) {
    const state = JSON.parse(event.data);
    if (state.serial === serial) return;
    serial = state.serial;
    news = performance.now();
    onState(state);
  }

  async function unlock() {
    if (asking) return;
    asking = true;
    const answer = await fetch(`/api/${bed}/state`).catch(() => null);
    if (answer?.status === TOKEN_NEEDED) await onLocked();
    asking = false;
  }

  function watch() {
    const now = performance.now();
    if (!asking && now - news > 1000 * STALE_S && now - opened > REOPEN_MS) open();
  }

  open();
  setInterval(watch, 500);
  return { silence: () => (performance.now() - news) / 1000 };
}
