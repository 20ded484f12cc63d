import { Option } from 'commander';
import { type Address, parseTarget } from '../../base/address.ts';
import { EXIT, LoopscopeError } from '../../base/errors.ts';
import { FAULTS } from '../../serve/faults/registry.ts';
import { parseFault } from '../../serve/faults/spec.ts';
import { formatReady, serve } from '../../serve/serve.ts';
import type { CliCommand } from '../command.ts';
import { onInterrupt } from '../interrupt.ts';

type Flags = {
  listen: string[];
  fault: string[];
  backend: 'auto' | 'ring' | 'epoll';
  dieWithParent: boolean;
  json: boolean;
};

/** What each kind of server speaks, and where it listens when not told. */
const KINDS = {
  agent: { protocol: 'frame', defaultListen: 'unix:/tmp/loopscope-agent.sock' },
  http: { protocol: 'http', defaultListen: 'http://127.0.0.1:8080/' },
} as const;

export const serveCommand = {
  usage: 'serve <kind>',
  summary: 'an event-loop server to measure: agent (length-framed) or http, with faults to plant',
  configure(command, exit) {
    command
      .option('-l, --listen <target...>', 'where to listen, as a target; port 0 takes any free one', [])
      .option(
        '-f, --fault <spec...>',
        `plant a fault: ${FAULTS.map((fault) => fault.example).join(', ')}`,
        [],
      )
      .addOption(
        new Option('--backend <name>', 'event loop').choices(['auto', 'ring', 'epoll']).default('auto'),
      )
      .option('--die-with-parent', 'end when the process that started this one ends', false)
      .option('--json', 'print the ready line and the summary as JSON', false);
    command.action(async (kindName: string, flags: Flags) => {
      const kind = KINDS[kindName as keyof typeof KINDS];
      if (!kind) {
        throw new LoopscopeError(
          'USAGE',
          `"${kindName}" is not a kind of server`,
          `choose ${Object.keys(KINDS).join(' or ')}`,
        );
      }
      const faults = flags.fault.map((text) => parseFault(text));
      const listen = (flags.listen.length > 0 ? flags.listen : [kind.defaultListen]).map((text) =>
        listenAddress(text, kind.protocol),
      );
      using interrupt = onInterrupt();
      const summary = await serve({
        protocol: kind.protocol,
        listen,
        faults,
        backend: flags.backend,
        ...(flags.dieWithParent && { parentPid: process.ppid }),
        signal: interrupt.signal,
        onReady: (ready) => process.stdout.write(`${formatReady(ready, kind.protocol, flags.json)}\n`),
      });
      if (flags.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
      else process.stdout.write(`${summary.requestCount} requests, ${summary.acceptCount} connections\n`);
      // A signal is how a server is ended: that is not a failure.
      exit(EXIT.ok);
    });
  },
} satisfies CliCommand;

function listenAddress(text: string, protocol: 'http' | 'frame'): Address {
  const target = parseTarget(text);
  if (target.protocol !== protocol) {
    const form = protocol === 'http' ? 'http://… or unix+http:…' : 'tcp://… or unix:…';
    throw new LoopscopeError('USAGE', `--listen: ${text} is not where this kind listens`, `write ${form}`);
  }
  return target.address;
}
