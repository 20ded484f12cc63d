// Goal: nobody is taken for somebody else, and a check tells by its time of no name. Method: users by table; an authenticator
// whose checks are counted, and end when the test says so.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccessUser } from '../access.ts';
import { Authenticator } from './authenticator.ts';
import { OwnConnections } from './connection-counts.ts';
import { hashPassword, isPassword, type PasswordHash, parsePasswordHash } from './password.ts';
import { Users } from './users.ts';

const bytes = (text: string) => Buffer.from(text);
const MADE = '$scrypt$ln=10,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';

function user(name: string, from: string[], passwordHash: string | null = null): AccessUser {
  return { name, from, passwordHash, connectionLimit: null };
}

test('passwords: a hash is right for its password alone, and has a salt of its own', async () => {
  const text = await hashPassword(bytes('open sesame'));
  const hash = parsePasswordHash(text)!;
  assert.equal(await isPassword(bytes('open sesame'), hash), true);
  assert.equal(await isPassword(bytes('open sesame '), hash), false);
  assert.notEqual(await hashPassword(bytes('open sesame')), text);
});

test('passwords: what is no hash, or takes too much memory, is none', () => {
  assert.ok(parsePasswordHash(MADE));
  for (const [from, to] of [
    ['ln=10', 'ln=9'],
    ['ln=10', 'ln=30'],
    ['r=8', 'r=0'],
    ['p=1', 'p=99'],
    ['$scrypt', '$argon2id'],
    ['AAAA$', '!!!!$'],
  ] as const)
    assert.equal(parsePasswordHash(MADE.replace(from, to)), null, to);
});

test('users: by the smallest range that holds the address', () => {
  const users = new Users([
    user('wide', ['10.0.0.0/8', '2001:db8::/32']),
    user('narrow', ['10.1.0.0/16']),
    user('one', ['10.1.2.3']),
    user('socket', ['unix']),
    user('secret', ['10.9.0.0/16'], MADE),
  ]);
  const cases: [host: string, name: string | null][] = [
    ['10.0.0.1', 'wide'],
    ['10.1.0.1', 'narrow'],
    ['10.1.2.3', 'one'],
    ['10.1.2.4', 'narrow'],
    ['10.2.0.0', 'wide'],
    ['11.0.0.0', null],
    ['9.255.255.255', null],
    ['10.9.1.1', 'wide'],
    ['2001:db8::1', 'wide'],
    ['2001:db9::1', null],
    ['::ffff:10.1.2.3', 'one'],
    ['2002:a01:203::', null], // 6to4 of an address inside may come from outside.
    ['', 'socket'],
    ['/run/x.sock', 'socket'],
  ];
  for (const [host, name] of cases) assert.equal(users.at(host), name, host);
  assert.equal(users.mayComeFrom('secret', '10.9.1.1'), true);
  assert.equal(users.mayComeFrom('secret', '10.8.1.1'), false);
  assert.equal(users.mayComeFrom('secret', ''), false);
  assert.equal(users.mayComeFrom('nobody', '10.9.1.1'), false);
});

/** Checks that end when they are told to; a password is right when it is "right". */
function heldChecks() {
  const held: (() => void)[] = [];
  let count = 0;
  const check = (password: Uint8Array, _hash: PasswordHash) => {
    count++;
    return new Promise<boolean>((resolve) => {
      held.push(() => resolve(Buffer.from(password).toString() === 'right'));
    });
  };
  const end = async () => {
    while (held.length > 0) {
      held.shift()!();
      for (let i = 0; i < 10; i++) await null;
    }
  };
  return { check, end, count: () => count };
}

function authenticator(nowNs: () => number = () => 0) {
  const checks = heldChecks();
  const hashes = new Map(['alice', 'bob'].map((name) => [name, parsePasswordHash(MADE)!]));
  return { checks, auth: new Authenticator({ hashes, nowNs, check: checks.check }) };
}

const said = (name: string, password: string) => ({ name, password: bytes(password) });

test('authenticator: what was right is remembered for a while, what was wrong is not', async () => {
  let nowNs = 0;
  const { checks, auth } = authenticator(() => nowNs);
  for (const [password, answer] of [
    ['right', 'alice'],
    ['wrong', null],
    ['wrong', null],
  ] as const) {
    const asked = auth.authenticate(said('alice', password));
    await checks.end();
    assert.equal(await asked, answer);
  }
  assert.equal(checks.count(), 3);
  assert.equal(auth.authenticate(said('alice', 'right')), 'alice', 'at once');
  assert.equal(checks.count(), 3);
  nowNs = 601e9;
  const again = auth.authenticate(said('alice', 'right'));
  await checks.end();
  assert.equal(await again, 'alice');
  assert.equal(checks.count(), 4);
});

test('authenticator: a name that nobody has is checked as well, and wrong even if somebody has the password', async () => {
  const { checks, auth } = authenticator();
  for (const name of ['carol', '__proto__', '', 'alice\0']) {
    const asked = auth.authenticate(said(name, 'right'));
    await checks.end();
    assert.equal(await asked, null, name);
  }
  assert.equal(checks.count(), 4);
});

test('authenticator: name and password do not run into each other', async () => {
  const { checks, auth } = authenticator();
  const asked = auth.authenticate(said('bob', 'right'));
  await checks.end();
  assert.equal(await asked, 'bob');
  const other = auth.authenticate(said('bobr', 'ight'));
  assert.ok(other instanceof Promise, 'not remembered');
  await checks.end();
  assert.equal(await other, null);
});

test('authenticator: the same at once is checked once; two checks run at a time; too many are refused', async () => {
  const { checks, auth } = authenticator();
  const same = [1, 2, 3].map(() => auth.authenticate(said('alice', 'right')));
  assert.equal(checks.count(), 1);
  const others = Array.from({ length: 300 }, (_, i) => auth.authenticate(said('bob', `wrong ${i}`)));
  assert.equal(checks.count(), 2);
  await checks.end();
  assert.deepEqual(await Promise.all(same), ['alice', 'alice', 'alice']);
  assert.ok((await Promise.all(others)).every((answer) => answer === null));
  assert.equal(auth.busyCount, 300 - 1 - 256);
});

test('connections: a user has as many as he may, and another when one is over', () => {
  const connections = new OwnConnections();
  assert.deepEqual(
    [1, 2, 3].map(() => connections.enter('a', 2)),
    [true, true, false],
  );
  assert.equal(connections.enter('b', 1), true);
  connections.left('a');
  assert.equal(connections.enter('a', 2), true);
  assert.equal(connections.enter('c', null), true);
});
