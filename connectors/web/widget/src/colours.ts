// The office's colour in the shades that can be read: on it, and as ink on light and on dark paper (WCAG 1.4.3: 4.5 to 1).

type Rgb = [number, number, number];

const LIGHT_PAPER: Rgb = [246, 244, 238];
const DARK_PAPER: Rgb = [32, 39, 36];
const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];
const ENOUGH = 4.5;

function parsed(colour: string): Rgb | null {
  const digits = /^#([0-9a-f]{6})$/i.exec(colour.trim())?.[1];
  return digits ? [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16)) as Rgb : null;
}

function luminance(colour: Rgb): number {
  const [r, g, b] = colour.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: Rgb, other: Rgb): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function ink(colour: Rgb, paper: Rgb, towards: Rgb): Rgb {
  let mixed = colour;
  for (let share = 0; share <= 1 && contrast(mixed, paper) < ENOUGH; share += 0.05) {
    mixed = colour.map((value, at) => Math.round(value + (towards[at]! - value) * share)) as Rgb;
  }
  return mixed;
}

const css = (colour: Rgb): string => `rgb(${colour.join(" ")})`;

// Rules for `:host`, or nothing where the colour is not of the form #rrggbb.
export function colourRules(colour: string): string {
  const brand = parsed(colour);
  if (!brand) return "";
  const on = contrast(brand, WHITE) >= contrast(brand, BLACK) ? WHITE : BLACK;
  const light = css(ink(brand, LIGHT_PAPER, BLACK));
  const dark = css(ink(brand, DARK_PAPER, WHITE));
  return `:host { --brand: ${css(brand)}; --on-brand: ${css(on)}; --ink-brand: ${light}; }
@media (prefers-color-scheme: dark) { :host { --ink-brand: ${dark}; } }`;
}
