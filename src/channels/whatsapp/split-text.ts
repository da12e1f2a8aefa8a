const FENCE = '```';
const CLOSE = `\n${FENCE}`;

/** How much of a piece may be given up for a better place to cut. */
const SHORTEST_SHARE = 0.5;

/**
 * Cuts a text into pieces of at most `max` UTF-16 code units (64 at least): at paragraphs where it can, else at the end of a line, of a
 * sentence, of a word. Joined, the pieces are the text, but for code: a fence that is cut is closed, and opened again in the next piece.
 */
export function splitText(text: string, max: number): string[] {
  const pieces: string[] = [];
  let rest = text;
  let opening: string | null = null;
  for (;;) {
    const prefix: string = opening === null ? '' : `${opening}\n`;
    if (prefix.length + rest.length <= max) return [...pieces, prefix + rest];
    const cut = cutBefore(rest, max - prefix.length - CLOSE.length, opening !== null);
    const part = rest.slice(0, cut);
    rest = rest.slice(cut);
    opening = openFence(part, opening);
    pieces.push(prefix + part + (opening === null ? '' : closing(part)));
  }
}

const closing = (part: string): string => (part.endsWith('\n') ? FENCE : CLOSE);

/** Where to cut a text that is too long, `room` code units in at most. */
function cutBefore(text: string, room: number, inFence: boolean): number {
  const window = text.slice(0, room);
  const least = room * SHORTEST_SHARE;
  const borders = [
    lastBorder(window, /\n\n+/g, (at) => !fencedAt(window, at, inFence)),
    lastBorder(window, /\n/g, () => true),
    lastBorder(window, /[.!?…][)"'»”]*\s+/g, () => true),
    lastBorder(window, /\s+/g, () => true),
  ];
  return borders.find((at) => at >= least) ?? wholeCharacter(text, room, least);
}

/** The end of the last match that will do; 0 when there is none. */
function lastBorder(window: string, pattern: RegExp, allowed: (at: number) => boolean): number {
  const ends = [...window.matchAll(pattern)].map((match) => match.index + match[0].length);
  return ends.findLast(allowed) ?? 0;
}

/** A border inside what a reader sees as one character, such as an emoji with a skin tone, is moved before it. */
function wholeCharacter(text: string, room: number, least: number): number {
  const start = new Intl.Segmenter().segment(text.slice(0, room + 1)).containing(room)?.index ?? room;
  if (start >= least) return start;
  return /[\uD800-\uDBFF]/.test(text.charAt(room - 1)) ? room - 1 : room;
}

const fencedAt = (text: string, at: number, inFence: boolean): boolean =>
  (text.slice(0, at).split(FENCE).length % 2 === 0) !== inFence;

/** How the fence that is open at the end of `part` began, its language included; null when none is. */
function openFence(part: string, before: string | null): string | null {
  let open = before;
  for (const { 0: marker } of part.matchAll(/```(?:\w{0,20}(?=\n))?/g)) open = open === null ? marker : null;
  return open;
}
