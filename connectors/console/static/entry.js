/* Entering sheets by keyboard: digits choose, Enter goes on, ArrowUp goes back. Without this file the form works by mouse. */
const sheet = document.getElementById("sheet");
const questions = [...sheet.querySelectorAll(".question")];
document.querySelector(".how").hidden = false;

const fieldOf = (question) =>
  question.querySelector("textarea") || question.querySelector("input:checked") || question.querySelector("input");

function go(from, step) {
  const at = questions.indexOf(from) + step;
  if (at >= questions.length) sheet.requestSubmit();
  else fieldOf(questions[Math.max(0, at)]).focus();
}

sheet.addEventListener("keydown", (event) => {
  const question = event.target.closest(".question");
  if (!question || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
  const writing = event.target.matches("textarea");
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    go(question, 1);
  } else if (event.key === "ArrowUp" && (!writing || event.target.value === "")) {
    event.preventDefault();
    go(question, -1);
  } else if (!writing) {
    const choice = [...question.querySelectorAll("input")].find((input) => input.dataset.key === event.key);
    if (choice && event.key !== " ") {
      event.preventDefault();
      choice.checked = true;
      go(question, 1);
    }
  }
});

let sent = false;
sheet.addEventListener("submit", (event) => {
  if (sent) event.preventDefault(); // a second Enter on a slow line must not send the next sheet empty
  sent = true;
});
window.addEventListener("pageshow", () => {
  sent = false;
});
fieldOf(questions.find((question) => question.querySelector("[aria-invalid], [id^='e-']")) || questions[0]).focus();
