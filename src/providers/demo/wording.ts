const NAMES = new Intl.ListFormat('en-GB', { type: 'conjunction' });

/** `A, B and C`. */
export function joinNames(names: readonly string[]): string {
  return NAMES.format(names);
}

/** The first words of a text, at most `length` characters, with an ellipsis when there were more. */
export function firstWords(text: string, length: number): string {
  const line = text
    .slice(0, 10 * length)
    .replace(/\s+/g, ' ')
    .trim();
  if (line.length <= length && text.length <= 10 * length) return line;
  const cut = line.slice(0, length);
  const end = cut.lastIndexOf(' ');
  return `${cut.slice(0, end > 0 ? end : length).replace(/[,;:.]$/, '')} …`;
}

export function firstSentence(text: string): string {
  return /^.*?[.!?](?=\s)/s.exec(text)?.[0] ?? text;
}

export function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function sameName(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase();
}
