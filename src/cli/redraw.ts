/** A place on the terminal where a text takes the place of the one before; what is no terminal gets one after the other. */
export class Redraw {
  readonly #stream: Pick<NodeJS.WriteStream, 'write' | 'isTTY'>;
  #lines = 0;

  constructor(stream: Pick<NodeJS.WriteStream, 'write' | 'isTTY'>) {
    this.#stream = stream;
  }

  /** The text takes whole lines, none of them longer than the terminal is wide. */
  draw(text: string): void {
    // Up to where the last text began, and clear from there.
    const back = this.#stream.isTTY && this.#lines > 0 ? `\u001b[${this.#lines}F\u001b[J` : '';
    this.#stream.write(`${back}${text}\n`);
    this.#lines = text.split('\n').length;
  }

  /** What was drawn stays; the next text comes after it. */
  end(): void {
    this.#lines = 0;
  }
}
