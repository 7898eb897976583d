/* The fields of a review: scores by slider or number, rows of categories, and all of them as one draft. */

export const form = () => document.getElementById("review-form");
export const field = (name) => form()?.elements.namedItem(name);

const SCORES = ["technical_accuracy", "professional_quality", "completeness", "clarity"];
const NUMBERS = [...SCORES, "confidence", "seconds_spent"];
const TEXTS = ["corrected_output", "notes"];

/* Scores: the slider moves the number, which is what is sent; an empty number is no score */

export function fromSlider(slider) {
  document.getElementById(slider.dataset.score).value = String(Number(slider.value));
  slider.removeAttribute("data-unset");
  slider.removeAttribute("aria-valuetext");
}

export function fromNumber(number) {
  const slider = document.querySelector(`[data-score="${number.id}"]`);
  if (!slider) return;
  const unset = number.value === "";
  slider.value = unset ? "0.5" : number.value;
  slider.toggleAttribute("data-unset", unset);
  if (unset) slider.setAttribute("aria-valuetext", "not scored");
  else slider.removeAttribute("aria-valuetext");
}

/* Categories: one row each */

const rows = () => [...document.querySelectorAll("#categories .category")];
const cells = (row) => [...row.querySelectorAll("input")];

export function addCategory(values = ["", "", ""], focus = true) {
  const last = rows().at(-1);
  const empty = last && cells(last).every((cell) => !cell.value);
  const row = empty ? last : last.cloneNode(true);
  cells(row).forEach((cell, place) => { cell.value = values[place]; });
  if (!empty) last.after(row);
  document.getElementById("categories").open = true;
  if (focus) cells(row)[0].focus();
}

export function removeCategory(button) {
  const row = button.closest(".category");
  const next = row.nextElementSibling ?? row.previousElementSibling;
  if (next) row.remove();
  else cells(row).forEach((cell) => { cell.value = ""; });
  cells(next ?? row)[0].focus();
}

function categories() {
  const found = {};
  for (const row of rows()) {
    const [name, score, issues] = cells(row).map((cell) => cell.value.trim());
    if (!name && !score && !issues) continue;
    found[name] = {
      score: score === "" ? null : Number(score),
      issues: issues.split(/[;\n]/).map((issue) => issue.trim()).filter(Boolean),
    };
  }
  return found;
}

function showCategories(held) {
  for (const row of rows().slice(1)) row.remove();
  for (const cell of cells(rows()[0])) cell.value = "";
  for (const [name, { score, issues }] of Object.entries(held ?? {})) {
    addCategory([name, score ?? "", (issues ?? []).join("; ")], false);
  }
}

/* Answers to the rubric: the fields are named answer-KEY and say their kind */

function answers() {
  const found = {};
  for (const box of document.querySelectorAll("[data-question]")) {
    const { question, kind } = box.dataset;
    const inputs = [...box.querySelectorAll("input, textarea")];
    const chosen = inputs.filter((input) => (["radio", "checkbox"].includes(input.type) ? input.checked : input.value.trim()));
    if (!chosen.length) continue;
    const values = chosen.map((input) => input.value);
    if (kind === "multiple") found[question] = values;
    else if (kind === "yes_no") found[question] = values[0] === "yes";
    else found[question] = kind === "scale" ? Number(values[0]) : values[0];
  }
  return found;
}

function showAnswers(held = {}) {
  for (const box of document.querySelectorAll("[data-question]")) {
    const answer = held[box.dataset.question];
    const words = [answer].flat().map((value) => (value === true ? "yes" : value === false ? "no" : String(value ?? "")));
    for (const input of box.querySelectorAll("input, textarea")) {
      if (["radio", "checkbox"].includes(input.type)) input.checked = words.includes(input.value);
      else input.value = words[0];
    }
  }
}

/* The whole review as a draft, and back */

const optional = (name) => {
  const one = field(name);
  return one && one.value !== "" && (!one.validity || one.validity.valid) ? Number(one.value) : null;
};

/** What has been typed, in the shape in which drafts are kept. */
export function typed() {
  const content = { categories: categories(), answers: answers() };
  for (const name of TEXTS) if (field(name)) content[name] = field(name).value;
  for (const name of NUMBERS) if (optional(name) !== null) content[name] = optional(name);
  content.improvement_suggestions = field("improvement_suggestions").value.split("\n").filter((line) => line.trim());
  content.is_training_data = field("is_training_data").checked;
  for (const name of ["better", "strength"]) {
    const chosen = field(name)?.value;
    if (chosen) content[name] = name === "strength" ? Number(chosen) : chosen;
  }
  return content;
}

/** Puts a draft into the fields. */
export function show(content) {
  for (const name of TEXTS) if (field(name) && content[name] !== undefined) field(name).value = content[name];
  for (const name of NUMBERS) if (field(name)) field(name).value = content[name] ?? "";
  for (const name of SCORES) if (field(name)) fromNumber(field(name));
  field("improvement_suggestions").value = (content.improvement_suggestions ?? []).join("\n");
  field("is_training_data").checked = content.is_training_data ?? true;
  if (document.getElementById("categories")) showCategories(content.categories);
  showAnswers(content.answers);
  for (const name of ["better", "strength"]) if (field(name)) field(name).value = content[name] ?? "";
}
