import { z } from 'zod';
import { isAgentId } from '../../domain/addresses.ts';
import { addressIn, isPublicAddress } from '../../lib/public-address.ts';
import type { HttpAgent } from '../../links/agent-http/http-agent.ts';
import { parseJson } from '../../protocol/bounded-json.ts';
import type { AgentConfig } from './config.ts';
import { text } from './fields.ts';
import type { Problem } from './problem.ts';
import { httpAgentFields, type Settings } from './settings-schema.ts';
import type { Sources } from './sources.ts';
import { problem } from './surroundings.ts';
import { AGENT_REGISTRY } from './variables.ts';

interface ConfiguredHttpAgents {
  readonly httpAgents: readonly HttpAgent[];
  readonly problems: readonly Problem[];
}

/** An agent as it was listed, and where. */
interface Listed extends Omit<HttpAgent, 'id'> {
  readonly where: string;
}

const registryEntry = z.strictObject(
  {
    ...httpAgentFields,
    apiKey: text.regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces').optional(),
  },
  'must be an object with a name, a url and, where needed, apiKey and skills, and nothing else',
);
const registry = z.array(registryEntry, 'must be a list: [ … ]');

/** The agents of `MULTI_AGENT_REGISTRY`, `MULTI_AGENT_PORTS` and `parley.json5` that are reached over HTTP. */
export function configureHttpAgents(
  { httpAgents: { list, ports, allowPrivate } }: Settings,
  own: readonly AgentConfig[],
  sources: Sources,
  where: (path: readonly string[]) => string,
): ConfiguredHttpAgents {
  const allow = allowPrivate ? 'any' : 'public';
  const { entries, problems } = readRegistry(sources);
  const listed = [
    ...entries,
    ...list.map((entry, index) => ({ ...entry, apiKey: null, where: where(['httpAgents', 'list', String(index)]) })),
  ].map((entry): Listed => ({ ...entry, url: withoutSlash(entry.url), describesItself: false, allow }));
  const onPorts = ports.map((port, index) => onPort(port, `${where(['httpAgents', 'ports', String(index)])}: ${port}`));
  return withIds([...listed, ...onPorts], own, problems);
}

function readRegistry({ secrets, variables }: Sources) {
  const content = secrets.get(AGENT_REGISTRY);
  if (content === undefined) return { entries: [], problems: [] };
  const from = variables.get(AGENT_REGISTRY) ?? variables.get(`${AGENT_REGISTRY}_FILE`);
  const where = from?.where ?? AGENT_REGISTRY;
  const json = parseJson(content);
  if (json === undefined) {
    const fix = 'Write a list such as [{"name": "Coder", "url": "https://coder.example"}].';
    return { entries: [], problems: [problem(where, 'is not valid JSON', fix)] };
  }
  const place = ([index, ...field]: readonly PropertyKey[]): string =>
    [where, ...(index === undefined ? [] : [`entry ${Number(index) + 1}`]), ...field.map(String)].join(': ');
  const parsed = registry.safeParse(json);
  if (!parsed.success) {
    const { issues } = parsed.error;
    return { entries: [], problems: issues.map(({ path, message }) => problem(place(path), message, 'Correct it.')) };
  }
  const entries = parsed.data.map(({ apiKey = null, ...entry }, index) => ({
    ...entry,
    apiKey,
    where: place([index]),
  }));
  return { entries, problems: [] };
}

/** Until it has been asked, its port is its name. */
function onPort(port: number, where: string): Listed {
  const url = `http://127.0.0.1:${port}`;
  return { name: `Agent ${port}`, url, apiKey: null, skills: [], describesItself: true, allow: 'loopback', where };
}

function withIds(listed: readonly Listed[], own: readonly AgentConfig[], found: readonly Problem[]) {
  const problems = [...found];
  const httpAgents = new Map<string, HttpAgent>();
  for (const { where, ...agent } of listed) {
    const id = idFromName(agent.name);
    if (!isAgentId(id)) {
      problems.push(
        problem(where, 'its name makes no agent id', 'Name it with Latin letters and digits, such as Coder.'),
      );
    } else if (own.some((other) => id === other.id || sameName(agent, other))) {
      const message = 'an agent of this process has the same name or id';
      problems.push(problem(where, message, 'Give it another name, or remove it here.'));
    } else if (httpAgents.has(id)) {
      problems.push(problem(where, 'another one has the same name', 'Give each its own: it is the name of a mailbox.'));
    } else {
      httpAgents.set(id, { ...agent, id });
    }
    if (agent.allow === 'public' && isPrivate(new URL(agent.url))) problems.push(privateAddress(where));
  }
  return { httpAgents: [...httpAgents.values()], problems };
}

/** `Code Reviewer` becomes `code-reviewer`. */
function idFromName(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .replace(/\s+/g, '-');
}

const sameName = (one: { name: string }, other: { name: string }): boolean =>
  one.name.toLowerCase() === other.name.toLowerCase();

const withoutSlash = (url: string): string => new URL(url).href.replace(/\/+$/, '');

/** As far as the URL itself tells; what a name resolves to is looked at with each request. */
function isPrivate(url: URL): boolean {
  const address = addressIn(url);
  return address === null ? /(^|\.)localhost\.?$/.test(url.hostname) : !isPublicAddress(address);
}

const privateAddress = (where: string): Problem =>
  problem(
    where,
    'its url is not a public address',
    'For an agent on this machine use MULTI_AGENT_PORTS; for a private network set MULTI_AGENT_ALLOW_PRIVATE=true.',
  );
