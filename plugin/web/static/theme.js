/** Dark, or daylight: what this browser was last told, dark at first. */

const KEPT = "barocast-theme";

export function applyTheme() {
  document.documentElement.dataset.theme = kept() === "daylight" ? "daylight" : "dark";
}

export function turnTheme() {
  const next = document.documentElement.dataset.theme === "dark" ? "daylight" : "dark";
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem(KEPT, next);
  } catch {
    // A browser that keeps nothing starts dark again.
  }
}

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}
