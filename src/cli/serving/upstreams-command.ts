/** `serve upstreams`: speaks to the admin socket of a proxy that runs. */
import { createConnection } from 'node:net';
import type { Command } from 'commander';
import { EXIT, LoopscopeError } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';

const ANSWER_TIMEOUT_MS = 10_000;
/** 30 000 upstreams with the longest names. */
const MOST_ANSWER_BYTES = 8 << 20;

export function configureUpstreams(command: Command, exit: (status: number) => void): void {
  command
    .description('list and change the upstreams of a proxy that runs')
    .argument('<command...>', 'list, add ADDRESS [weight=N], remove ADDRESS, weight ADDRESS N, drain ADDRESS')
    .requiredOption('--admin <path>', 'the Unix socket that the proxy was given')
    .action(async (words: string[], { admin }: { admin: string }) => {
      const lines = (await ask(admin, words.join(' '))).trimEnd().split('\n');
      const last = lines.at(-1)!;
      const fault = /^error: (.*?)(?: \((.*)\))?$/.exec(last);
      if (fault) throw new LoopscopeError('USAGE', printable(fault[1]!, 400), printable(fault[2] ?? '', 400));
      process.stdout.write(`${lines.map((line) => printable(line, 400)).join('\n')}\n`);
      exit(EXIT.ok);
    });
}

/** One command and its answer. Throws TARGET_UNREACHABLE. */
function ask(path: string, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const unreachable = (why: string) =>
      reject(
        new LoopscopeError(
          'TARGET_UNREACHABLE',
          `${path}: ${why}`,
          `is a proxy running with --admin ${path}?`,
        ),
      );
    const socket = createConnection(path);
    let answer = '';
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new Error('no answer within 10 s')));
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.end(`${line.replaceAll('\n', ' ')}\n`));
    socket.on('data', (text: string) => {
      answer += text;
      if (answer.length > MOST_ANSWER_BYTES) socket.destroy(new Error('the answer does not end'));
    });
    socket.on('error', (error) => unreachable(error.message));
    socket.on('end', () => (answer === '' ? unreachable('it hung up without a word') : resolve(answer)));
  });
}
