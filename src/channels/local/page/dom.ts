/** The element of the page with this id. A page without it is broken, and says so. */
export function byId<T extends Element = HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page has no ${kind.name} #${id}.`);
  return found;
}

type Attributes = Readonly<Record<string, string | number | boolean>>;

function setAttributes(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
}

/** A new HTML element. Strings become text, never markup. */
export function html<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

/** A new SVG element. Strings become text, never markup. */
export function svg<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): SVGElementTagNameMap[Name] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

/** Makes `nodes` the children of an element. Those that are there already stay, with their animation and selection. */
export function setChildren(parent: Element, nodes: readonly Node[]): void {
  const wanted = new Set(nodes);
  for (const child of [...parent.childNodes]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, place) => {
    const there = parent.childNodes[place];
    if (there !== node) parent.insertBefore(node, there ?? null);
  });
}

/** A line drawing of 20 by 20 units. With a title it is read out, without it is decoration. */
export function icon(path: string, title?: string): SVGSVGElement {
  const label: Attributes = title === undefined ? { 'aria-hidden': 'true' } : { role: 'img', 'aria-label': title };
  const drawing = svg('svg', { class: 'icon', viewBox: '0 0 20 20', ...label }, svg('path', { d: path }));
  if (title !== undefined) drawing.prepend(svg('title', {}, title));
  return drawing;
}

export const ICONS = {
  send: 'M3.5 10 16.5 3.5 12.5 16.5 9.5 11z M9.5 11 16.5 3.5',
  oneTick: 'm4 10.5 4 4 8-9',
  twoTicks: 'm1.5 10.5 4 4 8-9 M10 13.5l1 1 8-9',
  failed: 'M10 4.5v7 M10 15.300v.2',
  lock: 'M5 9.5h10v7H5z M7 9.5V7a3 3 0 0 1 6 0v2.5',
  pen: 'm4 16 1-3.5 8.5-8.5 2.5 2.5L7.5 15z',
  open: 'M5 9.5h10v7H5z M7 9.5V7a3 3 0 0 1 5.800-1',
} as const;
