/**
 * The case: admit, describe, discharge; the description beside the text that the model reads of it.
 * Fields that this form does not know are kept as they came. Nothing that names a person is asked for.
 */

import { h } from "./elements.js";
import { confirmed } from "./panel.js";
import { clockTime } from "./words.js";

const CHOICES = {
  sex: [["", "not known"], ["F", "woman"], ["M", "man"]],
  asa: [["", "not known"], ...["1", "2", "3", "4", "5", "6"].map((asa) => [asa, asa])],
  emergency: [["", "not known"], ["false", "elective"], ["true", "emergency"]],
};

/** Name in the patient file, label, kind, limits. */
const FIELDS = [
  ["age_years", "Age, years", "number", { min: 0, max: 120, step: "any" }], ["sex", "Sex", "choice"], ["asa", "ASA status", "choice"],
  ["height_cm", "Height, cm", "number", { min: 30, max: 250, step: "any" }],
  ["weight_kg", "Weight, kg", "number", { min: 1, max: 400, step: "any" }],
  ["emergency", "Urgency", "choice"],
  ["department", "Department", "text"], ["approach", "Approach", "text"], ["position", "Position", "text"],
  ["procedure", "Procedure", "text", {}, "half"], ["diagnosis", "Diagnosis", "text", {}, "half"],
  ["anaesthesia", "Anaesthesia", "text", {}, "half"], ["history", "History, with commas", "list", {}, "half"],
];

/** Laboratory values that the model's text tells, in the patient file's units. */
const LABS = [
  ["hb_g_dl", "Hb, g/dl"], ["creatinine_mg_dl", "Creatinine, mg/dl"], ["k_mmol_l", "K, mmol/l"], ["na_mmol_l", "Na, mmol/l"],
  ["glucose_mg_dl", "Glucose, mg/dl"], ["bun_mg_dl", "Urea N, mg/dl"],
  ["albumin_g_dl", "Albumin, g/dl"], ["platelets_10e9_l", "Platelets, 10⁹/l"],
];

const DISCHARGE = {
  title: "Discharge this case?",
  words: "The case is closed and its summary kept. Forecasts begin anew with the next case.",
  yes: "Discharge",
  no: "Keep the case",
};

/**
 * @param {import("./acts.js").Act} act
 * @param {import("./panel.js").Panel} panel
 * @param {() => import("./state.js").State|null} current
 * @returns {import("./panel.js").Content}
 */
export function caseFile(act, panel, current) {
  let form = null;
  let reading = null;
  let drawn = "";
  /** Whether the form is of a patient who comes after the one that is here. */
  let anew = false;

  const content = {
    title: "Case",
    open() {
      const state = current();
      anew = false;
      form = fill(state?.case ?? null);
      reading = h("div.reading");
      drawn = "";
      if (state) this.show(state);
      return h("div.case", {}, form, reading);
    },
    show(state) {
      if (!anew && form.dataset.case !== (state.case?.id ?? "")) replace(state.case);
      const looks = JSON.stringify(state.case?.sections ?? null);
      if (looks !== drawn) reading.replaceChildren(...asRead(state.case));
      drawn = looks;
    },
  };

  function replace(open) {
    const next = fill(open);
    form.replaceWith(next);
    form = next;
  }

  function turnAnew(on) {
    anew = on;
    replace(anew ? null : current()?.case ?? null);
    form.querySelector("input").focus();
  }

  function heading(open) {
    if (anew) return "A new case begins, and the open one ends.";
    return open ? `Begun at ${clockTime(open.admitted, false)}.` : "No case is open.";
  }

  function fill(open) {
    const filled = h("form", { "data-case": open?.id ?? "", submit, novalidate: true });
    filled.append(
      h("p.hint", {}, heading(open), " Write nothing that names a person."),
      ...FIELDS.map((field) => labelled(field, open?.patient ?? {})),
      h("fieldset", {}, h("legend", {}, "Laboratory"), ...LABS.map(([name, words]) =>
        h("label", {}, words, typed(`labs.${name}`, "number", open?.patient?.labs?.[name] ?? null, { min: 0, step: "any" })))),
      h("label.whole", {}, "Assessment, free text", withValue(h("textarea", { name: "assessment" }), open?.patient?.notes?.assessment)),
      h("div.buttons", {},
        h("button.main", { type: "submit" }, open ? "Save the description" : "Admit"),
        open ? h("button", { type: "button", click: () => turnAnew(true) }, "New patient …") : "",
        open ? h("button", { type: "button", click: discharge }, "Discharge …") : "",
        anew ? h("button", { type: "button", click: () => turnAnew(false) }, "Back") : ""),
    );
    return filled;
  }

  async function submit(event) {
    event.preventDefault();
    const wrong = [...form.elements].filter((field) => field.validity && !field.validity.valid);
    for (const field of form.elements) field.setAttribute("aria-invalid", String(wrong.includes(field)));
    if (wrong.length) return wrong[0].focus();
    const open = anew ? null : current()?.case ?? null;
    const done = await act(open ? "describe" : "admit", { patient: patientOf(form, open?.patient ?? {}) });
    if (done) anew = false;
    if (panel.showing() !== content) panel.open({ ...content, open: () => h("div.case", {}, form, reading) });
  }

  async function discharge() {
    if (await confirmed(panel, DISCHARGE)) await act("discharge");
  }

  return content;
}

function labelled([name, words, kind, limits = {}, width = "third"], patient) {
  const value = patient[name] ?? null;
  return h(`label.${width}`, {}, words, kind === "choice" ? choice(name, value) : typed(name, kind, value, limits));
}

function choice(name, value) {
  return withValue(h("select", { name }, ...CHOICES[name].map(([key, words]) => h("option", { value: key }, words))), value);
}

function typed(name, kind, value, limits) {
  const number = kind === "number";
  return h("input", { name, type: number ? "number" : "text", inputmode: number ? "decimal" : null, autocomplete: "off",
    value: Array.isArray(value) ? value.join(", ") : value, ...limits });
}

function withValue(element, value) {
  element.value = value ?? "";
  return element;
}

/**
 * Read the form into a patient file; what is empty is left out.
 * @param {HTMLFormElement} form @param {Object} before the description so far
 */
function patientOf(form, before) {
  const text = (name) => form.elements[name].value.trim();
  const read = {
    number: (name) => Number(text(name)),
    text,
    list: (name) => text(name).split(",").map((item) => item.trim()).filter(Boolean),
    choice: (name) => ({ sex: text(name), asa: Number(text(name)), emergency: text(name) === "true" })[name],
  };
  const patient = { ...before, labs: { ...before.labs }, notes: { ...before.notes } };
  const put = (where, key, full, value) => (full ? (where[key] = value) : delete where[key]);
  for (const [name, , kind] of FIELDS) put(patient, name, text(name), read[kind](name));
  for (const [name] of LABS) put(patient.labs, name, text(`labs.${name}`), Number(text(`labs.${name}`)));
  put(patient.notes, "assessment", text("assessment"), text("assessment"));
  return patient;
}

function asRead(open) {
  const sections = open?.sections ?? [];
  const told = sections.filter(({ text }) => text);
  return [
    h("h3", {}, "As the model reads it"),
    told.length
      ? h("dl", {}, ...told.flatMap(({ name, text }) => [h("dt", {}, name), h("dd", {}, text)]))
      : h("p", {}, "Nothing: the model sees the measured course alone."),
    h("p.hint", {}, "The text changes what the forecast expects. It is not a cause, and an empty section is never guessed."),
  ];
}
