// Goal: a replay that cannot begin says what to type. Method: the function behind the command, with nothing to send to.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SendFlags, sendReplay } from './send.ts';

const flags = { failIf: [], seed: 1, quiet: true, json: false } as unknown as SendFlags;

test('without a target, and with a threshold on a check that does not exist', async () => {
  await assert.rejects(sendReplay({ files: ['x'], host: 'h' }, flags), {
    code: 'USAGE',
    message: /no --target/,
    hint: /--target http.*--dry-run/,
  });
  const wrong = {
    ...flags,
    target: 'http://127.0.0.1:1',
    failIf: ['self.replay-lines=VOID', 'self.nothing=VOID'],
  };
  await assert.rejects(sendReplay({ files: ['x'], host: 'h' }, wrong), {
    code: 'USAGE',
    message: /there is no self-check "nothing"/,
  });
});
