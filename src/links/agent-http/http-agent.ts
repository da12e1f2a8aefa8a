import type { AgentId } from '../../domain/addresses.ts';
import type { AgentCard } from '../../domain/agent-card.ts';
import type { Clock } from '../../lib/clock.ts';
import type { AllowedAddresses } from '../../lib/guarded-lookup.ts';
import { type GuardedRequest, guardedRequest } from '../../lib/guarded-request.ts';

/** An agent of another make that answers over HTTP: `GET {url}/health`, `POST {url}/chat`. */
export interface HttpAgent {
  readonly id: AgentId;
  readonly name: string;
  /** http or https, without a slash at its end. */
  readonly url: string;
  /** null: it asks for none. */
  readonly apiKey: string | null;
  readonly skills: readonly string[];
  /** Nobody has given it a name and skills here: what it says of itself counts. */
  readonly describesItself: boolean;
  readonly allow: AllowedAddresses;
}

/** What the cards of these agents say of how messages get to them. */
export const AGENT_HTTP = 'agent-http';

/** What everybody may know of the agent: the key is not part of it. */
export function cardOfHttpAgent({ id, name, url, skills }: HttpAgent): AgentCard {
  return {
    id,
    name,
    capabilities: skills,
    device: new URL(url).hostname,
    transport: AGENT_HTTP,
    phone: null,
    provider: null,
    metadata: { agent_url: url },
  };
}

export interface AgentRequest extends Pick<GuardedRequest, 'method' | 'body' | 'timeoutMs' | 'maxBytes' | 'signal'> {
  readonly headers?: Readonly<Record<string, string>>;
}

/** Asks the agent, with its key, at its address and nowhere else. */
export function requestTo(
  { url, apiKey, allow }: HttpAgent,
  path: string,
  { headers, ...request }: AgentRequest,
  clock: Clock,
): ReturnType<typeof guardedRequest> {
  return guardedRequest(
    {
      ...request,
      url: new URL(`${url}/${path}`),
      headers: {
        accept: 'application/json',
        ...headers,
        ...(apiKey !== null && { authorization: `Bearer ${apiKey}` }),
      },
      allow,
    },
    { clock },
  );
}
