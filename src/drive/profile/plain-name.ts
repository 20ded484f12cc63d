import { basename } from 'node:path';

/**
 * What V8 wrote down of a function, as people read it: "JS:*feed file:///srv/codec.ts:12:3" is "feed (codec.ts:12)". The
 * marks tell how it was compiled, and one function is compiled more than once.
 */
export function plainName(text: string): string {
  const script = /^(?:JS|LazyCompile|Function|Eval|Script):[o~^+*'-]*(.*)$/.exec(text);
  if (!script) return text;
  const place = /^(.*?) ?((?:file:\/\/|node:|\/)\S+?):(\d+)(?::\d+)?$/.exec(script[1]!);
  if (!place) return script[1]!.trim() || '(anonymous)';
  const [, name, file, line] = place;
  return `${name!.trim() || '(anonymous)'} (${file!.startsWith('node:') ? file : basename(file!)}:${line})`;
}

/** A C++ function's name without its arguments: "v8::internal::Heap::Scavenge()" is "v8::internal::Heap::Scavenge". */
export function withoutArguments(name: string): string {
  let depth = 0;
  for (let i = 0; i < name.length; i++) {
    const char = name[i];
    if (char === '<') depth++;
    else if (char === '>') depth--;
    // "operator()" and "(anonymous namespace)::f" have none here.
    else if (
      char === '(' &&
      depth === 0 &&
      i > 0 &&
      name[i - 1] !== ':' &&
      !name.slice(0, i).endsWith('operator')
    ) {
      return name.slice(0, i);
    }
  }
  return name;
}
