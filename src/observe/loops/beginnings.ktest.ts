// Goal: whatever begins among the members is counted in the kernel, and nobody else's. Method: a shell that forks and
// executes when told to.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { needs } from '../../../test/helpers/needs.ts';
import { startBpfTier } from '../tiers/bpf-tier.ts';

test('forks and executions of a member are counted, those of others are not', async (t) => {
  if (!needs(t, process.geteuid?.() === 0, 'root, for BPF')) return;
  using tier = startBpfTier({
    armed: 'never',
    nowNs: () => performance.now() * 1e6,
    onStallRecord: () => {},
    onTierChange: () => {},
  });
  // Builtins alone, but for what is counted: a subshell forks, and exec puts `cat` in place of the shell.
  const shell = spawn('sh', ['-c', 'while read a; do (:); echo forked; [ $a = exec ] && exec cat; done'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const tell = async (word: string) => {
    const answered = once(shell.stdout!, 'data');
    shell.stdin!.write(`${word}\n`);
    await answered;
  };
  try {
    await tell('fork');
    assert.equal(tier.beginnings(), 0, 'not a member yet');
    tier.setMember(shell.pid!, true);
    for (let i = 1; i <= 23; i++) {
      await tell('fork');
      assert.equal(tier.beginnings(), i);
    }
    await tell('exec');
    await tell('answer of cat');
    assert.equal(tier.beginnings(), 25, 'a fork, and the program that was executed');
  } finally {
    shell.kill('SIGKILL');
  }
});
