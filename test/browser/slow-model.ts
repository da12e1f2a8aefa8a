import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { z } from 'zod';

/** The chunks of a streamed chat completion, as every server that speaks OpenAI's API sends them. */
const chunk = (delta: object, finish: string | null): string =>
  `data: ${JSON.stringify({ id: '1', created: 1, model: 'slow', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

/** A model that thinks until it is told what to say. */
export class SlowModel implements AsyncDisposable {
  readonly #server = createServer((_request, response) => {
    if (this.#answer === null) this.#waiting.push(response);
    else say(response, this.#answer);
  });
  readonly #waiting: ServerResponse[] = [];
  #answer: string | null = null;

  static async start(): Promise<SlowModel> {
    const model = new SlowModel();
    await once(model.#server.listen(0, '127.0.0.1'), 'listening');
    return model;
  }

  /** What makes Parley use it. */
  get env(): Record<string, string> {
    const { port } = z.object({ port: z.number() }).parse(this.#server.address());
    return {
      AI_PROVIDER: 'openai-compatible',
      OPENAI_COMPATIBLE_MODEL: 'slow',
      OPENAI_COMPATIBLE_BASE_URL: `http://127.0.0.1:${port}/v1`,
    };
  }

  /** Answers all that wait, and from now on everybody at once. */
  answer(text: string): void {
    this.#answer = text;
    for (const response of this.#waiting.splice(0)) say(response, text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function say(response: ServerResponse, text: string): void {
  response.setHeader('content-type', 'text/event-stream');
  response.end(`${chunk({ content: text }, null)}${chunk({}, 'stop')}data: [DONE]\n\n`);
}
