/** JavaScript functions of the calling thread by V8's own sampling profiler: what can be had without privileges. */
import type { Profiler } from 'node:inspector';
import { basename } from 'node:path';
import { PROFILE_RATE_PER_SEC, type ProfileStack } from './client-profile.ts';

/** Begins; the function returned ends it. The thread is interrupted by signals meanwhile. */
export async function beginInspection(threadIndex: number): Promise<() => Promise<ProfileStack[]>> {
  const { Session } = await import('node:inspector/promises');
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: Math.round(1e6 / PROFILE_RATE_PER_SEC) });
  await session.post('Profiler.start');
  return async () => {
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    return stacksOf(profile, threadIndex);
  };
}

/** Without the time in which the thread slept: V8 samples that too. "(program)" is native code and the kernel. */
export function stacksOf({ nodes }: Pick<Profiler.Profile, 'nodes'>, threadIndex: number): ProfileStack[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id])));
  const stacks: ProfileStack[] = [];
  for (const node of nodes) {
    const count = node.hitCount ?? 0;
    if (count === 0 || node.callFrame.functionName === '(idle)') continue;
    const frames = [];
    for (let at: number | undefined = node.id; at !== undefined; at = parents.get(at)) {
      const { callFrame } = byId.get(at)!;
      if (callFrame.functionName !== '(root)') frames.push({ name: nameOf(callFrame), kernel: false });
    }
    frames.push({ name: `load thread ${threadIndex}`, kernel: false });
    stacks.push({ frames: frames.reverse(), count });
  }
  return stacks;
}

function nameOf({ functionName, url, lineNumber }: Profiler.ProfileNode['callFrame']): string {
  const name = functionName || '(anonymous)';
  if (url === '') return name;
  return `${name} (${url.startsWith('node:') ? url : basename(url)}:${lineNumber + 1})`;
}
