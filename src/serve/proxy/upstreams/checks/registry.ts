import type { CheckKind } from './check-kind.ts';
import { http } from './http.ts';
import { tcp } from './tcp.ts';

/** Every kind of check. */
export const CHECK_KINDS: readonly CheckKind[] = [tcp, http];
