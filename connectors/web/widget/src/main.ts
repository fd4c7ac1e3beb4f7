// One script tag is all that an office's page needs; its data-… attributes become those of the element.

import { Chat } from "./chat";

const NAME = "vn-gov-chat";

const script = document.currentScript as HTMLScriptElement | null;
if (script?.src) Chat.server = new URL(script.src).origin;

function place(): void {
  if (document.querySelector(NAME)) return; // the page has put the element where it wants it
  const chat = document.createElement(NAME);
  Object.assign(chat.dataset, script?.dataset);
  document.body.append(chat);
}

if (!customElements.get(NAME)) {
  customElements.define(NAME, Chat);
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", place);
  else place();
}
