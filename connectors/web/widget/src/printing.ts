import { h, sheet, styled } from "./dom";
import css from "./print.css";

const HOST = "data-vn-gov-chat-print";
// In the office's page: on paper only the list, on the screen all but the list.
const PAGE = `@media print { body > :not([${HOST}]) { display: none !important; } }
@media screen { [${HOST}] { display: none !important; } }`;

// Prints a card, with the ticks as they are, apart from the page around it.
export function printed(card: HTMLElement, office: string): void {
  const copy = card.cloneNode(true) as HTMLElement;
  const ticks = card.querySelectorAll("input");
  copy.querySelectorAll("input").forEach((box, at) => box.replaceWith(ticks[at]!.checked ? "☑ " : "☐ "));
  copy.querySelectorAll("details").forEach((more) => (more.open = true));
  copy.querySelectorAll(".ready").forEach((line) => line.remove());
  const host = h("div", { [HOST]: "", lang: "vi" });
  const root = host.attachShadow({ mode: "open" });
  styled(root, css);
  if (office) root.append(h("p", { class: "office" }, office));
  root.append(copy);
  const page = sheet(PAGE);
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, page];
  document.body.append(host);
  const clear = () => {
    host.remove();
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== page);
  };
  addEventListener("afterprint", clear, { once: true });
  print();
}
