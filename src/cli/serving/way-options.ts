/** How clients of `serve proxy` say where they want to go, and who speaks PROXY: options for listeners that are typed. */
import { type Command, Option } from 'commander';
import { LoopscopeError } from '../../base/errors.ts';
import type { ProxyListener, ProxySettings } from '../../serve/proxy/proxy-options.ts';
import { parseCidr } from '../../serve/proxy/rules/hosts/cidr.ts';
import { WAYS } from '../../serve/proxy/ways/registry.ts';
import { UNIX_PEERS } from '../../serve/proxy/ways/talks.ts';
import type { Way } from '../../serve/proxy/ways/way.ts';

export type WayFlags = {
  in: Way['name'];
  proxyFrom: string[];
  proxyOut?: ProxySettings['proxyOut'];
};

/** Clients of these name their destination: without rules there is none for them. */
const NAME_THEIR_OWN: readonly Way['name'][] = ['connect', 'socks5'];

export function addWayOptions(command: Command): void {
  command
    .addOption(
      new Option('--in <way>', 'how clients say where to go')
        .choices(WAYS.map(({ name }) => name))
        .default('tcp'),
    )
    .option('--proxy-from <range...>', 'clients from there begin with a PROXY header', [])
    .addOption(
      new Option('--proxy-out <version>', 'the PROXY header that upstreams are sent first').choices([
        'none',
        'v1',
        'v2',
      ]),
    );
}

/** What was typed for listeners. Throws USAGE for a range that is none, and where nobody could go anywhere. */
export function typedWay(
  { in: way, proxyFrom }: WayFlags,
  hasConfig: boolean,
): Pick<ProxyListener, 'way' | 'proxyFrom'> {
  if (NAME_THEIR_OWN.includes(way) && !hasConfig) {
    throw new LoopscopeError(
      'USAGE',
      `--in ${way}: clients name their destination, and without rules none is allowed`,
      'write rules into a file, and add --config proxy.json',
    );
  }
  for (const range of proxyFrom) {
    const fault = range === UNIX_PEERS ? null : parseCidr(range);
    if (typeof fault === 'string') {
      throw new LoopscopeError(
        'USAGE',
        `--proxy-from: ${range} ${fault}`,
        `write 10.0.0.0/8, one address, or ${UNIX_PEERS}`,
      );
    }
  }
  return { way, proxyFrom };
}
