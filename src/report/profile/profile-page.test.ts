// Goal: the page of a profile holds all of it and runs nothing from outside. Method: a profile with hostile names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderProfilePage } from './profile-page.ts';

const EVIL = '</script><script>alert(1)</script>';

test('names are data, the script is ours, and the tree adds up', () => {
  const page = renderProfilePage({
    title: 'The load generator itself',
    notes: [`profile by ${EVIL}`],
    stacks: [
      {
        group: 'user',
        frames: [
          { name: 'load thread 0', kernel: false },
          { name: EVIL, kernel: false },
        ],
        ns: 3e6,
      },
      {
        group: 'system',
        frames: [
          { name: 'load thread 0', kernel: false },
          { name: 'tcp_sendmsg', kernel: true },
        ],
        ns: 1e6,
      },
    ],
  });
  assert.equal(page.includes('alert(1)</script>'), false);
  assert.doesNotMatch(page, /^\s*(?:import|export)\b/m);
  const data = JSON.parse(/<script type="application\/json" id="profile">(.*?)<\/script>/s.exec(page)![1]!);
  assert.deepEqual(data.names, ['all load threads', 'load thread 0', EVIL, 'tcp_sendmsg']);
  // Parent, name, ns, group, kernel: the root, its thread, and two functions.
  assert.deepEqual([data.nodes[2], data.nodes[7], data.nodes[12], data.nodes[17]], [4e6, 4e6, 3e6, 1e6]);
});

test('a profile without samples says so, and has no script', () => {
  const page = renderProfilePage({ title: 'x', notes: [], stacks: [] });
  assert.match(page, /No sample was taken/);
  assert.doesNotMatch(page, /icicleCard/);
});
