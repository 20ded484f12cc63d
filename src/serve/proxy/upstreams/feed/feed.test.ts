// Goal: lists and commands are read as they are meant, hostile ones are bounded and answered, and nothing half is done.
// Method: tables; a real admin socket in a temporary folder.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Roster } from '../rows/roster.ts';
import { UpstreamRows } from '../rows/upstream-rows.ts';
import { answer } from './admin-commands.ts';
import { listenForAdmin } from './admin-server.ts';
import { parseUpstreamList, readUpstreamFile } from './list-file.ts';
import { Pace } from './pace.ts';

const folder = mkdtempSync(join(tmpdir(), 'loopscope-feed-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const roster = (limit = 64) =>
  new Roster(new UpstreamRows(new ArrayBuffer(UpstreamRows.byteLength(limit)), limit), limit);
const said = (to: Roster, line: string) => [...answer(to, line)].join('');

test('a list is read line by line, with comments and blank lines', async () => {
  const text = '# all of them\n\n10.0.0.1:80\r\n  [::1]:80\tweight=7 # the old one\nunix:/run/a.sock';
  assert.deepEqual(await parseUpstreamList(text, 'f', new Pace()), [
    { name: '10.0.0.1:80', weight: 1 },
    { name: '[::1]:80', weight: 7 },
    { name: 'unix:/run/a.sock', weight: 1 },
  ]);
});

test('a fault in a file is told with its line', async () => {
  const path = join(folder, 'list');
  const cases: [string, RegExp][] = [
    ['10.0.0.1:80\n\n10.0.0.x:80\n', /list:3: "10.0.0.x" is not an IP address/],
    ['10.0.0.1:80 weight=999\n', /list:1: weight 999/],
    ['# nothing\n', /no upstream is in it/],
    ['\0\x01\x02', /list:1: "···" is not an address/],
    ['1.1.1.1:1\n'.repeat(30_001), /list:30001: more than 30000 upstreams/],
    [`${'x'.repeat(9 << 20)}`, /bytes are more than/],
  ];
  for (const [text, message] of cases) {
    writeFileSync(path, text);
    await assert.rejects(readUpstreamFile(path), { code: 'USAGE', message });
  }
  await assert.rejects(readUpstreamFile(join(folder, 'none')), { code: 'FILE_UNREADABLE' });
  await assert.rejects(readUpstreamFile(folder), { code: 'FILE_UNREADABLE' });
});

test('commands of the admin socket', () => {
  const to = roster(3);
  const talk: [string, RegExp][] = [
    ['list', /^ok, 0 upstreams\n$/],
    ['add 10.0.0.1:80', /^ok, 1 upstreams\n$/],
    ['  add   10.0.0.2:80  weight=4', /^ok, 2/],
    ['weight 10.0.0.1:80 9', /^ok, 2/],
    ['drain 10.0.0.2:80', /^ok, 2/],
    ['list', /^10.0.0.1:80 weight=9 unchecked\n10.0.0.2:80 weight=4 draining\nok, 2 upstreams\n$/],
    ['add 10.0.0.2:80', /^ok, 2/],
    ['list', /10.0.0.2:80 weight=1 unchecked/],
    ['remove 10.0.0.1:80', /^ok, 1/],
    ['remove 10.0.0.1:80', /^error: there is no upstream "10.0.0.1:80"/],
    ['weight 10.0.0.2:80', /^error: .* is no command/],
    ['weight 10.0.0.2:80 0', /^error: weight 0/],
    ['drop 10.0.0.2:80', /^error: "drop 10.0.0.2:80" is no command \(list, add/],
    ['list all', /^error: list takes nothing/],
    ['add \x1b[2J', /^error: "·\[2J" is not an address/],
    ['add 1.1.1.1:1', /^ok/],
    ['add 1.1.1.1:2', /^ok/],
    ['add 1.1.1.1:3', /^error: there are 3 upstreams/],
  ];
  for (const [line, wanted] of talk) assert.match(said(to, line), wanted, line);
});

/** Sends bytes, ends its side, and takes what comes until the end. */
function exchange(path: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let all = '';
    const socket = createConnection(path, () => socket.end(text));
    socket
      .setEncoding('utf8')
      .on('data', (part: string) => {
        all += part;
      })
      .on('error', reject)
      .on('close', () => resolve(all));
  });
}

test('the admin socket is its owner’s, answers in order, and stands hostile peers', async () => {
  const path = join(folder, 'admin.sock');
  const to = roster();
  {
    await using _server = await listenForAdmin(path, to);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(
      await exchange(path, 'add 10.0.0.1:80\nremove x\n\nlist'),
      'ok, 1 upstreams\nerror: "x" is not an address (write 10.0.0.7:80, [::1]:80, localhost:80 or unix:/path)\n' +
        '10.0.0.1:80 weight=1 unchecked\nok, 1 upstreams\n',
    );
    for (const hostile of ['x'.repeat(600), `${'x'.repeat(600)}\nadd 10.0.0.2:80\n`]) {
      assert.match(await exchange(path, hostile), /^error: a line has 512 bytes at most\n$/);
    }
    assert.match(await exchange(path, '\0\0\xff\n'), /^error: /);
    assert.equal(await exchange(path, ''), '');
    assert.equal(to.count, 1);
    await assert.rejects(listenForAdmin(path, to), { code: 'SYSCALL', message: /EADDRINUSE/ });
    const silent = Array.from({ length: 16 }, () => createConnection(path));
    await Promise.all(silent.map((peer) => new Promise((resolve) => peer.once('connect', resolve))));
    assert.match(await exchange(path, 'list\n'), /^error: 16 others are connected/);
    for (const peer of silent) peer.destroy();
  }
  assert.equal(statSync(path, { throwIfNoEntry: false }), undefined, 'the socket file is gone');
});
