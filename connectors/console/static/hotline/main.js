// The hotline's page, put together.

import * as calls from "./calls.js";
import * as card from "./card.js";
import * as keys from "./keys.js";
import * as search from "./search.js";
import { $, say } from "./dom.js";

card.empty();
search.connect(async (chosen) => {
  try {
    await (chosen.dossier ? card.dossier(chosen.dossier) : card.procedure(chosen.code));
    calls.about(card.current());
  } catch (error) {
    $("found").textContent = error.message;
    say(error.message);
  }
});
calls.connect(search.focus);
keys.connect({
  named: {
    F2: calls.beginOrTake,
    F4: () => calls.write() || say("Chưa có cuộc gọi nào đang mở."),
    F8: () => search.settled().then(() => calls.missing(search.query())), // else results that are on their way hide what is said
    F9: card.copied,
    "Shift F9": card.send,
  },
  search: search.focus,
  jump: card.jump,
  back: () => (document.activeElement === $("q") ? $("card-head")?.focus() : search.focus()),
});
$("q").focus();
