// Everything about the page as it stands now that nobody could use: kind of fault -> where. Run within the page.
() => {
  const LEAST_CONTRAST = 4.5; // WCAG 2.2, 1.4.3
  const LEAST_TARGET = 43.9; // 44 px, less what layout rounds
  const all = (selector) => [...document.querySelectorAll(selector)].filter((element) => element.getClientRects().length);
  const named = (element) => `${element.className.baseVal ?? element.className} ${element.textContent.slice(0, 30)}`;

  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  function rgba(css) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = css;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  }

  function luminance([red, green, blue]) {
    const linear = [red, green, blue].map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  }

  function ground(element) {
    for (let under = element; under; under = under.parentElement) {
      const colour = rgba(getComputedStyle(under).backgroundColor);
      if (colour[3] > 200) return colour;
    }
    return [0, 0, 0, 255];
  }

  function contrast(element) {
    const style = getComputedStyle(element);
    const ink = luminance(rgba(element.ownerSVGElement ? style.fill : style.color));
    const [darker, lighter] = [ink, luminance(ground(element))].sort((one, other) => one - other);
    return (lighter + 0.05) / (darker + 0.05);
  }

  const text = (element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
  const readable = all("body *").filter((element) => text(element) && !element.closest(".unseen, noscript, #stale"));
  const whole = all("#bed :is(.big, .p, .numeric .value, .text, .words, .textless, .risk, .lean, .acts button, .limit, h1)");
  const cut = (element) => element.scrollWidth > element.clientWidth + 1
    || (getComputedStyle(element).overflowY === "hidden" && element.scrollHeight > element.clientHeight + 1);
  const small = ({ width, height }) => width < LEAST_TARGET || height < LEAST_TARGET;
  const page = document.documentElement;

  return {
    scrolls: [page.scrollWidth - innerWidth, page.scrollHeight - innerHeight].filter((pixels) => pixels > 0),
    cutOff: whole.filter(cut).map(named),
    lowContrast: readable.map((element) => [contrast(element), named(element)]).filter(([ratio]) => ratio < LEAST_CONTRAST),
    smallTargets: all("button, a[href], input, select, textarea").filter((element) => small(element.getBoundingClientRect())).map(named),
  };
}
