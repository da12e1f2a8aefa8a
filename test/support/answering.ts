import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';

interface AnsweringServer extends AsyncDisposable {
  readonly url: string;
}

/** A server that answers as a test says. */
export async function answering(listener: RequestListener): Promise<AnsweringServer> {
  const server = createServer(listener);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
