// Goal: --profile-client is refused before the run where it could not be written, and says what was taken. Method: its parts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClientProfile } from '../drive/profile/client-profile.ts';
import { notesOf, settleProfile } from './profile-client.ts';

const PROFILE: ClientProfile = {
  source: 'perf',
  ratePerSec: 499,
  sampleCount: 523,
  lostCount: 0,
  readNs: 9.8e6,
  nameNs: 492e6,
  unseen: '',
  stacks: [],
};

test('without the option nothing is asked for', () => assert.deepEqual(settleProfile({}).choices, {}));

test('a file of another kind, or in no folder, is refused', () => {
  assert.throws(
    () => settleProfile({ profileClient: 'client.svg' }),
    /ends neither in \.html nor in \.folded/,
  );
  assert.throws(() => settleProfile({ profileClient: '/no/such/folder/client.html' }), /cannot write in/);
});

test('what it was taken with, what that cost, and what it cannot show', () => {
  assert.deepEqual(notesOf(PROFILE), [
    'profile by perf events: kernel, native code and JavaScript; 523 samples, 499 a second of CPU time, none lost',
    'reading them took 9.80 ms of CPU beside the load, naming them 492 ms after it',
  ]);
  const own = notesOf({ ...PROFILE, source: 'inspector', lostCount: 2, unseen: 'native code is one frame' });
  assert.match(own[0]!, /V8’s own profiler: JavaScript; 523 samples, .*, 2 lost/);
  assert.deepEqual(own.slice(1), ['native code is one frame']);
});
