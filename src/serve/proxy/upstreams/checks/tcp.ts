import type { CheckKind } from './check-kind.ts';

/** It accepts connections. */
export const tcp = {
  name: 'tcp',
  summary: 'a connection opens',
  request: () => null,
  judge: () => 'good',
} satisfies CheckKind;
