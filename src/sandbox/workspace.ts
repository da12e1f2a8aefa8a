import { err, ok, type Result } from '../lib/result.ts';
import { type Bounded, type Entry, type Files, MAX_FILE_BYTES, type Match, type SearchFor, tooLarge } from './files.ts';
import { type WorkspacePath, workspacePath } from './workspace-path.ts';

/** The files that an agent works with, mostly as text. What does not work is told in words. */
export class Workspace {
  readonly #files: Files;
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor(files: Files) {
    this.#files = files;
  }

  async read(path: string, signal: AbortSignal): Promise<Result<string, string>> {
    return await at(path, (place) => this.#text(place, signal));
  }

  /** A file as it is, text or not. */
  async bytes(path: string, maxBytes: number, signal: AbortSignal): Promise<Result<Buffer, string>> {
    return await at(path, (place) => this.#files.read(place, maxBytes, signal));
  }

  /** Changes go one after the other: a model may ask for several at once. */
  async write(path: string, text: string, signal: AbortSignal): Promise<Result<void, string>> {
    return await at(path, (place) => this.#inTurn(() => this.#put(place, text, signal)));
  }

  /** Puts `replacement`, as it is, in the place of the one occurrence of `old`. */
  async edit(path: string, old: string, replacement: string, signal: AbortSignal): Promise<Result<void, string>> {
    return await at(path, (place) =>
      this.#inTurn(async () => {
        const text = await this.#text(place, signal);
        if (!text.ok) return text;
        const edited = replaceOnce(text.value, old, replacement);
        return edited.ok ? await this.#put(place, edited.value, signal) : edited;
      }),
    );
  }

  /** What is in a folder, by name. */
  async list(path: string, signal: AbortSignal): Promise<Result<Bounded<Entry>, string>> {
    const found = await at(path, (place) => this.#files.list(place, signal));
    if (!found.ok) return found;
    const items = found.value.items.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return ok({ ...found.value, items });
  }

  async search(path: string, wanted: SearchFor, signal: AbortSignal): Promise<Result<Bounded<Match>, string>> {
    return await at(path, (place) => this.#files.search(place, wanted, signal));
  }

  async #text(path: WorkspacePath, signal: AbortSignal): Promise<Result<string, string>> {
    const content = await this.#files.read(path, MAX_FILE_BYTES, signal);
    return content.ok ? decode(content.value) : content;
  }

  #put(path: WorkspacePath, text: string, signal: AbortSignal): Promise<Result<void, string>> {
    const content = Buffer.from(text);
    return content.length > MAX_FILE_BYTES
      ? Promise.resolve(err(tooLarge(MAX_FILE_BYTES)))
      : this.#files.write(path, content, signal);
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#lastChange.then(change);
    // Whoever asked for this one is told of its failure; the next one goes on.
    this.#lastChange = turn.catch(() => undefined);
    return turn;
  }
}

async function at<T>(
  path: string,
  work: (place: WorkspacePath) => Promise<Result<T, string>>,
): Promise<Result<T, string>> {
  const place = workspacePath(path);
  return place.ok ? await work(place.value) : place;
}

/** Text that cannot be written back as it was is not read at all. */
function decode(content: Buffer): Result<string, string> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
    return text.includes('\0') ? err('The file is binary, not text.') : ok(text);
  } catch {
    return err('The file is binary, or its text is not UTF-8.');
  }
}

function replaceOnce(text: string, old: string, replacement: string): Result<string, string> {
  const start = text.indexOf(old);
  if (start < 0) return err('The old text is not in the file. Read it again, and copy the text exactly.');
  if (text.includes(old, start + 1))
    return err('The old text is in the file more than once. Give more of what is around it.');
  return ok(text.slice(0, start) + replacement + text.slice(start + old.length));
}
