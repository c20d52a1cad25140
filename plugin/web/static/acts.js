/**
 * What a person may do, sent to the service and only shown once the service says so in its next state.
 * Where a token is needed and not given, it is asked for and the act is sent again.
 */

/** Seconds within which the service has to answer an act. */
const ANSWER_S = 5;
const DONE = 200;
const TOKEN_NEEDED = 401;

/**
 * @typedef {(name: string, body?: Object) => Promise<boolean>} Act
 * @param {string} bed
 * @param {{told: (words: string) => void, askToken: () => Promise<string|null>}} person
 * @returns {Act} true when it was done; false after the person was told why not
 */
export function acting(bed, person) {
  return async function act(name, body = {}) {
    const ask = () => post(`/api/${bed}/${name}`, body);
    let answer = await ask();
    if (answer.status === TOKEN_NEEDED && (await login(person))) answer = await ask();
    if (answer.status !== DONE) person.told(`Not done: ${answer.why}`);
    return answer.status === DONE;
  };
}

/**
 * Ask for the token until it is right or the person gives up.
 * @returns {Promise<boolean>} whether this browser may act now
 */
export async function login({ told, askToken }) {
  for (;;) {
    const token = await askToken();
    if (token === null) return false;
    const answer = await post("/api/login", { token });
    if (answer.status === DONE) return true;
    told(answer.why);
    if (answer.status !== TOKEN_NEEDED) return false;
  }
}

/** @returns {Promise<{status: number, why: string}>} status 0 when no answer came */
async function post(address, body) {
  try {
    const response = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(1000 * ANSWER_S),
    });
    const answer = await response.json().catch(() => ({}));
    return { status: response.status, why: answer.error ?? `the service answered ${response.status}` };
  } catch {
    return { status: 0, why: "no answer from the service" };
  }
}
