import { ParleyError } from '../domain/errors.ts';
import type { SpoolOptions } from './options.ts';
import { printResult } from './output.ts';
import { describeAgent, documentOf } from './registered-agent.ts';
import { withSpool } from './with-spool.ts';

export interface RegisterOptions extends SpoolOptions {
  readonly capabilities?: string[];
  readonly device?: string;
  readonly transportType: 'sqlite' | 'file' | 'http';
  readonly relayUrl?: string;
}

/** `parley register`: adds an agent or replaces what is known of it. */
export async function register(name: string, options: RegisterOptions): Promise<void> {
  const profile = profileOf(name, options);
  printResult(
    documentOf(
      await withSpool(options, async (spool) => {
        await spool.registry.register(profile);
        return spool.registry.require(name);
      }),
    ),
    options,
    (agent) => `Registered: ${describeAgent(agent)}`,
  );
}

/** `parley deregister`. Throws AGENT_UNKNOWN when it was not registered. */
export async function deregister(name: string, options: SpoolOptions): Promise<void> {
  const known = await withSpool(options, (spool) => spool.registry.deregister(name));
  if (!known) throw new ParleyError('AGENT_UNKNOWN', `Agent '${name}' is not registered.`);
  printResult({ agent_id: name, deregistered: true }, options, () => `Deregistered: ${name}`);
}

/** An agent elsewhere may keep to itself what it can do and where it runs; one here may not. */
function profileOf(name: string, { capabilities, device, transportType, relayUrl }: RegisterOptions) {
  const remote = transportType === 'http';
  if (remote !== (relayUrl !== undefined)) {
    throw new ParleyError('USAGE', '--transport-type http and --relay-url belong together.', {
      hint: `For an agent elsewhere: parley register ${name} --transport-type http --relay-url http://host:8420`,
    });
  }
  if (!remote && (capabilities === undefined || device === undefined)) {
    throw new ParleyError('USAGE', 'It takes -c, --capabilities and -d, --device.', {
      hint: `For example: parley register ${name} -c code,review -d workstation`,
    });
  }
  return {
    id: name,
    capabilities: capabilities ?? [],
    device: device ?? 'remote',
    transport: transportType,
    metadata: relayUrl === undefined ? {} : { relay_url: relayUrl },
  };
}
