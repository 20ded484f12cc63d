import { echo } from './echo.ts';
import { frame } from './frame.ts';
import { http1 } from './http1.ts';
import type { ServerProtocol } from './protocol.ts';

/** Every protocol that can be served. */
export const SERVER_PROTOCOLS: readonly ServerProtocol[] = [http1, frame, echo];
