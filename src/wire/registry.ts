import type { BuiltInCodec } from './codec-options.ts';
import { echo } from './echo/echo.ts';
import { frame } from './frame/frame.ts';
import { http1 } from './http1/http1.ts';
import { line } from './line/line.ts';
import { resp } from './resp/resp.ts';

/** Every protocol that can be driven; a user's own comes from a file (load-codec.ts). */
export const CODECS: readonly BuiltInCodec[] = [http1, frame, line, resp, echo];

export const CODEC_NAMES: readonly string[] = CODECS.map((codec) => codec.name);
