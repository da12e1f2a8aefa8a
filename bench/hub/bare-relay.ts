import { createServer, type Server, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { type WebSocket, WebSocketServer } from 'ws';

/** What its agents send; it trusts them. */
type Frame =
  | { readonly type: 'register'; readonly name: string }
  | { readonly type: 'agent-message'; readonly target: string; readonly message: unknown }
  | { readonly type: 'task-response'; readonly requestId: string; readonly response: unknown };

/** The least that passes frames and tasks on, with `ws` as the hub sets it up: no secret, no checks, no limits, no presence. */
export function bareRelay(): Server {
  const agents = new Map<string, WebSocket>();
  const open = new Map<string, ServerResponse>();
  let tasks = 0;

  const receive = (socket: WebSocket, frame: Frame): void => {
    if (frame.type === 'agent-message') {
      const { target, message } = frame;
      agents.get(target)?.send(JSON.stringify({ type: 'agent-message', from: 'somebody', message }));
    } else if (frame.type === 'register') {
      agents.set(frame.name, socket);
      socket.send(JSON.stringify({ type: 'registered', agentId: frame.name }));
    } else {
      const { requestId, response } = frame;
      open.get(requestId)?.end(JSON.stringify({ success: true, response }));
      open.delete(requestId);
    }
  };
  const server = createServer(async (request, reply) => {
    const { agent, message } = (await json(request)) as { agent: string; message: string };
    const requestId = String(tasks++);
    open.set(requestId, reply.setHeader('content-type', 'application/json'));
    agents.get(agent)?.send(JSON.stringify({ type: 'task', requestId, message, sender: 'bench' }));
  });
  const sockets = new WebSocketServer({ server, perMessageDeflate: false, clientTracking: false });
  sockets.on('connection', (socket) =>
    socket.on('message', (data) => receive(socket, JSON.parse(String(data)) as Frame)),
  );
  return server;
}
