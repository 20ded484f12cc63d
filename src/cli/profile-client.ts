/** `--profile-client`: where the load threads' own CPU time went, as a page or as folded stacks. */
import { extname, resolve } from 'node:path';
import { LoopscopeError } from '../base/errors.ts';
import { formatNs } from '../base/units.ts';
import type { LoadChoices } from '../doctor.ts';
import type { ClientProfile } from '../drive/profile/client-profile.ts';
import { foldStacks } from '../report/folded/folded.ts';
import { checkOutputs, type Output, writeWhole } from './outputs.ts';

export type ProfileFlags = { profileClient?: string };

const OPTION = '--profile-client';

export type ProfileTaker = {
  /** For load(): empty when no profile is asked for. */
  readonly choices: Pick<LoadChoices, 'onProfile'>;
  /** Writes it and says so; nothing when none was taken. */
  write(quiet: boolean): Promise<void>;
};

/** Refuses before the run what could not be written after it. */
export function settleProfile({ profileClient: path }: ProfileFlags): ProfileTaker {
  if (path === undefined) return { choices: {}, write: async () => {} };
  const form = extname(path);
  if (form !== '.html' && form !== '.folded') {
    throw new LoopscopeError(
      'USAGE',
      `${OPTION}: ${path} ends neither in .html nor in .folded`,
      `try ${OPTION} client.html for an icicle, or client.folded for other tools`,
    );
  }
  const output: Output = { option: OPTION, path };
  checkOutputs([output]);
  let taken: ClientProfile | null = null;
  return {
    choices: {
      onProfile: (profile) => {
        taken = profile;
      },
    },
    async write(quiet) {
      if (taken === null) return;
      writeWhole(output, form === '.html' ? await page(taken) : folded(taken));
      if (!quiet) process.stdout.write(`wrote ${resolve(path)}\n${notesOf(taken).join('\n')}\n`);
    },
  };
}

const SOURCES: Record<ClientProfile['source'], string> = {
  perf: 'perf events: kernel, native code and JavaScript',
  'perf-user': 'perf events: native code and JavaScript',
  inspector: 'V8’s own profiler: JavaScript',
};

/** What it was taken with, what that cost, and what it cannot show. */
export function notesOf(profile: ClientProfile): string[] {
  const { source, sampleCount, ratePerSec, lostCount, readNs, nameNs, unseen } = profile;
  const lost = lostCount === 0 ? 'none lost' : `${lostCount} lost`;
  const notes = [
    `profile by ${SOURCES[source]}; ${sampleCount} samples, ${ratePerSec} a second of CPU time, ${lost}`,
  ];
  if (source !== 'inspector')
    notes.push(
      `reading them took ${formatNs(readNs)} of CPU beside the load, naming them ${formatNs(nameNs)} after it`,
    );
  if (unseen !== '') notes.push(unseen);
  return notes;
}

function folded({ stacks }: ClientProfile): string {
  return foldStacks(
    stacks.map(({ frames, count }) => ({
      frames: frames.toReversed().map(({ name, kernel }) => (kernel ? `${name}_[k]` : name)),
      count,
    })),
  );
}

async function page(profile: ClientProfile): Promise<string> {
  const { renderProfilePage } = await import('../report/profile/profile-page.ts');
  const sampleNs = 1e9 / profile.ratePerSec;
  return renderProfilePage({
    title: 'The load generator itself',
    notes: notesOf(profile).map((note) => `${note.charAt(0).toUpperCase()}${note.slice(1)}.`),
    stacks: profile.stacks.map(({ frames, count }) => ({
      group: frames.at(-1)?.kernel ? ('system' as const) : ('user' as const),
      frames,
      ns: count * sampleNs,
    })),
  });
}
