import type { Way } from './way.ts';

const NOTHING = new Uint8Array(0);

/** Nothing is said: the next upstream is what clients want. */
export const tcp = {
  name: 'tcp',
  summary: 'plain TCP: every connection goes to the next upstream',
  speaksFirst: false,
  begin: () => ({
    step: () => ({
      kind: 'wants',
      consumed: 0,
      destination: null,
      credentials: null,
      sni: null,
      established: () => NOTHING,
      refused: () => NOTHING,
    }),
  }),
} satisfies Way;
