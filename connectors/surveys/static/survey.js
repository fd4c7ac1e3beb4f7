/* Hides questions that earlier answers make needless (without this file the words beside them say so), and goes to what is
   to be put right. */
const questions = [...document.querySelectorAll(".question")].map((node) => ({
  node,
  when: JSON.parse(node.dataset.when || "{}"),
  unless: JSON.parse(node.dataset.unless || "{}"),
}));
const form = document.querySelector("form");

const chosen = (name) => form.querySelector(`input[name="${name}"]:checked`)?.value;
const met = ([name, values]) => values.some((value) => String(value) === chosen(name));

function update() {
  for (const { node, when, unless } of questions) {
    node.hidden = !Object.entries(when).every(met) || Object.entries(unless).some(met);
  }
}

if (form) {
  for (const node of document.querySelectorAll(".only-if")) node.hidden = true;
  form.addEventListener("change", update);
  window.addEventListener("pageshow", update);
  update();
  document.querySelector("[aria-invalid], .question[aria-describedby] input")?.focus();
}
