// Goal: --proxy leads requests and connections through it, and its password is in nothing that is kept. Method: command lines
// through commander, without anything being sent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command } from 'commander';
import { addLoadOptions, type LoadFlags } from '../load-options.ts';
import { addReplayOptions, type ReplayFlags, settleReplay } from '../replay/replay-flags.ts';
import { settleLoad } from '../settle-load.ts';
import { proxyOptions } from './proxy-flags.ts';
import { typedCommand } from './typed-command.ts';

const HTTP = 'http://127.0.0.1:8080/';
const SECRET = 'http://joe:secret@127.0.0.1:3128';

async function settle(words: string[], target = HTTP) {
  const command = new Command('load').argument('[target]');
  addLoadOptions(command);
  command.parse(words, { from: 'user' });
  return (await settleLoad(target, command.opts<LoadFlags>(), command)).choices;
}

test('load: absolute form, or a tunnel where it is asked for', async () => {
  const plain = await settle(['--proxy', SECRET]);
  assert.match(Buffer.from(plain.requests!.arena).toString(), /^GET http:\/\/127\.0\.0\.1:8080\/ HTTP/);
  assert.equal(plain.proxy!.isTunnel, false);
  const tunnel = await settle(['--proxy', SECRET, '--proxytunnel']);
  assert.match(Buffer.from(tunnel.requests!.arena).toString(), /^GET \/ HTTP/);
  assert.equal(tunnel.proxy!.isTunnel, true);
  assert.equal((await settle(['--proxy', SECRET], 'tcp://127.0.0.1:7007')).proxy!.isTunnel, true);
  assert.equal((await settle([])).proxy, null);
});

test('replay: the same', () => {
  const options = (words: string[]) => {
    const command = new Command('replay').argument('[logs...]').option('--target <url>');
    addReplayOptions(command);
    for (const option of proxyOptions()) command.addOption(option);
    command.parse(['--target', HTTP, ...words], { from: 'user' });
    return settleReplay(['access.log'], command.opts<ReplayFlags>());
  };
  assert.equal(options(['--proxy', SECRET]).forward!.origin, 'http://127.0.0.1:8080');
  assert.equal(options(['--proxy', SECRET]).host, '127.0.0.1:8080');
  assert.equal(options(['--proxy', SECRET, '--proxytunnel']).forward, undefined);
  assert.equal(options([]).forward, undefined);
});

test('--proxytunnel alone says nothing', async () => {
  await assert.rejects(settle(['--proxytunnel']), { code: 'USAGE', message: /^--proxytunnel: no --proxy/ });
});

test('the command that is kept has no password', () => {
  assert.deepEqual(typedCommand(['load', HTTP, '--proxy', SECRET, '-q']), [
    'load',
    HTTP,
    '--proxy',
    'http://***@127.0.0.1:3128',
    '-q',
  ]);
  assert.deepEqual(typedCommand([`--proxy=${SECRET}`]), ['--proxy=http://***@127.0.0.1:3128']);
  const harmless = ['load', 'http://a:b@c/', '--proxy', 'http://joe@p:1', '--body', SECRET];
  assert.deepEqual(typedCommand(harmless), harmless);
});
