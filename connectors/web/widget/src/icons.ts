const SVG = "http://www.w3.org/2000/svg";

function icon(...paths: string[]): SVGSVGElement {
  const node = document.createElementNS(SVG, "svg");
  node.setAttribute("viewBox", "0 0 24 24");
  node.setAttribute("aria-hidden", "true");
  for (const d of paths) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    node.append(path);
  }
  return node;
}

export const bubble = (): SVGSVGElement => icon("M4 5h16v11H10l-5 4v-4H4z", "M8 9h8M8 12h5");
export const cross = (): SVGSVGElement => icon("M6 6l12 12M18 6L6 18");
export const phone = (): SVGSVGElement => icon("M6 3h4l2 5-3 2a12 12 0 0 0 5 5l2-3 5 2v4a2 2 0 0 1-2 2A17 17 0 0 1 4 5a2 2 0 0 1 2-2z");
