import type { AgentId } from '../domain/addresses.ts';
import type { ChatIn } from '../domain/chat.ts';

/** Which agents handle what is said in a chat. */
export type Route = (chat: ChatIn) => readonly AgentId[];

/** Every account has one agent: the one that answers on that number. */
export function routeByAccount(agents: ReadonlyMap<string, AgentId>): Route {
  return ({ account }) => {
    const agent = agents.get(account);
    return agent === undefined ? [] : [agent];
  };
}
