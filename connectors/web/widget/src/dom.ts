type Child = Node | string | null | undefined | false;

// An element with attributes and children; text only ever becomes text nodes.
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  for (const child of children) if (child) node.append(child);
  return node;
}

export function button(label: string, className: string, act: () => void): HTMLButtonElement {
  const node = h("button", { type: "button", class: className }, label);
  node.addEventListener("click", act);
  return node;
}

const ADDRESS = /(https?:\/\/[^\s;,()“”]*[^\s;,()“”.:!?])/;

// Text with its web addresses made into links.
export function linked(text: string): Node[] {
  return text
    .split(ADDRESS)
    .filter(Boolean)
    .map((piece) =>
      ADDRESS.test(piece)
        ? h("a", { href: piece, target: "_blank", rel: "noopener noreferrer" }, piece)
        : document.createTextNode(piece),
    );
}

// Style sheets that a strict content security policy allows; old browsers get an element.
export function styled(root: ShadowRoot, ...texts: string[]): void {
  for (const text of texts) {
    if ("adoptedStyleSheets" in root) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet(text)];
    else (root as ShadowRoot).append(h("style", {}, text));
  }
}

export function sheet(text: string): CSSStyleSheet {
  const made = new CSSStyleSheet();
  made.replaceSync(text);
  return made;
}
