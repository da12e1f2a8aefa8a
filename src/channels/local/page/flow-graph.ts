import type { FlowEvent, PhoneState } from '../wire.ts';
import { svg } from './dom.ts';
import { initials, ownerOf, toneOf } from './text.ts';

/* All lengths are in the units of the drawing. */
const WIDTH = 520;
const HEIGHT = 228;
const MIDDLE = HEIGHT / 2;
const RADIUS = 23;
/** From the middle of its owner. */
const MAILBOX_AT = { x: 15, y: 8 };
/** How far a way bends to its left, as a share of its length: there and back are two ways. */
const BEND = 0.09;
const STEPS = 24;
const TRAVEL_MS = 900;

interface Point {
  readonly x: number;
  readonly y: number;
}

interface Node extends Point {
  readonly group: SVGGElement;
  readonly waiting: SVGTextElement;
  /** The mailboxes of this node. */
  readonly addresses: readonly string[];
}

/** The person, the agents and their mailboxes, and what travels between them. */
export class FlowGraph {
  readonly #ways = svg('g', { class: 'ways' });
  readonly #dots = svg('g', { class: 'dots' });
  readonly #nodes = new Map<string, Node>();
  readonly #wayOf = new Map<string, SVGPathElement>();
  readonly #still = matchMedia('(prefers-reduced-motion: reduce)');

  constructor(place: HTMLElement, { person, contacts }: PhoneState) {
    const nodes = svg('g', { class: 'nodes' });
    const drawing = svg(
      'svg',
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': 'Who sends to whose mailbox' },
      this.#ways,
      nodes,
      this.#dots,
    );
    const outboxes = contacts.map(({ account }) => `channel:local:${account}`);
    this.#add(nodes, 'person', person.name, 'person', { x: 62, y: MIDDLE }, outboxes);
    contacts.forEach(({ agent }, place) => {
      const at = onRing(place, contacts.length);
      this.#add(nodes, agent.id, agent.name, toneOf(agent.id, contacts), at, [`agent:${agent.id}`]);
    });
    for (const from of this.#nodes.keys()) for (const to of this.#nodes.keys()) if (from !== to) this.#way(from, to);
    place.replaceChildren(drawing);
  }

  /** Marks the ways that an envelope took before the page was opened. */
  remember(event: FlowEvent): void {
    if (event.what === 'accepted') for (const way of this.#waysOf(event)) way.classList.add('used');
  }

  /** Lets a dot run along the ways of an envelope. */
  travel(event: FlowEvent): void {
    for (const way of this.#waysOf(event)) {
      way.classList.add('used');
      if (this.#still.matches) this.#flash(way);
      else this.#run(way, event.seal);
    }
  }

  showWaiting(count: (mailbox: string) => number): void {
    for (const { group, waiting, addresses } of this.#nodes.values()) {
      const total = addresses.reduce((sum, address) => sum + count(address), 0);
      waiting.textContent = String(total);
      group.classList.toggle('busy', total > 0);
    }
  }

  #waysOf({ from, to }: FlowEvent): readonly SVGPathElement[] {
    return to.flatMap((address) => this.#wayOf.get(`${keyOf(from)} ${keyOf(address)}`) ?? []);
  }

  #add(
    nodes: SVGGElement,
    key: string,
    name: string,
    tone: string | number,
    at: Point,
    addresses: readonly string[],
  ): void {
    const waiting = svg('text', { class: 'waiting', x: MAILBOX_AT.x + 23, y: MAILBOX_AT.y + 13 }, '0');
    const group = svg(
      'g',
      { class: 'node', 'data-tone': tone, transform: `translate(${at.x} ${at.y})` },
      svg('circle', { r: RADIUS }),
      svg('text', { class: 'initials', y: 5 }, initials(name)),
      svg('text', { class: 'name', y: at.y < MIDDLE ? -RADIUS - 8 : RADIUS + 17 }, name),
      mailbox(name),
      waiting,
    );
    nodes.append(group);
    this.#nodes.set(key, { ...at, group, waiting, addresses });
  }

  #way(fromKey: string, toKey: string): void {
    const from = this.#nodes.get(fromKey);
    const to = this.#nodes.get(toKey);
    if (!from || !to) return;
    const middle = { x: (from.x + to.x) / 2 + (to.y - from.y) * BEND, y: (from.y + to.y) / 2 - (to.x - from.x) * BEND };
    const way = svg('path', { class: 'way', d: `M${from.x} ${from.y}Q${middle.x} ${middle.y} ${to.x} ${to.y}` });
    this.#ways.append(way);
    this.#wayOf.set(`${fromKey} ${toKey}`, way);
  }

  #run(way: SVGPathElement, seal: FlowEvent['seal']): void {
    const length = way.getTotalLength();
    const dot = svg('circle', { class: 'dot', r: 5, 'data-seal': seal });
    this.#dots.append(dot);
    const frames = Array.from({ length: STEPS + 1 }, (_, step) => {
      const { x, y } = way.getPointAtLength((length * step) / STEPS);
      return { transform: `translate(${x}px, ${y}px)` };
    });
    dot.animate(frames, { duration: TRAVEL_MS, easing: 'ease-in-out' }).addEventListener('finish', () => dot.remove());
  }

  #flash(way: SVGPathElement): void {
    way.classList.add('flash');
    setTimeout(() => way.classList.remove('flash'), TRAVEL_MS);
  }
}

function keyOf(address: string): string {
  const owner = ownerOf(address);
  return owner === null || owner === 'person' ? (owner ?? '') : owner.agent;
}

/** The first agent stands near the person, off the straight ways to the others, which stand around. */
function onRing(place: number, count: number): Point {
  const angle = Math.PI * (1.25 + (2 * place) / count);
  return { x: 318 + 140 * Math.cos(angle), y: MIDDLE + 66 * Math.sin(angle) };
}

function mailbox(name: string): SVGGElement {
  const { x, y } = MAILBOX_AT;
  return svg(
    'g',
    { class: 'mailbox' },
    svg('title', {}, `Mailbox of ${name}`),
    svg('rect', { x, y, width: 36, height: 18, rx: 6 }),
    svg('path', { d: `M${x + 6} ${y + 5}h13v8.5h-13zl6.5 5 6.5-5` }),
  );
}
