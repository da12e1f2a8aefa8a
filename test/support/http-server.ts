import { createServer, type RequestListener, type Server } from 'node:http';

export interface TestServer extends AsyncDisposable {
  readonly server: Server;
  readonly port: number;
  /** On 127.0.0.1. */
  readonly url: string;
}

/** A server on a free port of loopback that answers as it is told, until it is disposed of. */
export async function serving(listener: RequestListener, server: Server = createServer()): Promise<TestServer> {
  server.on('request', listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    server,
    port,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
