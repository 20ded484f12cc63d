/** The command line as reports and run files may show it: without the password of a proxy. */
import { withoutPassword } from '../../plan/proxy.ts';

const OPTION = '--proxy';

/** What was typed behind "loopscope"; "http://***@host:port" stands for a proxy that has a password. */
export function typedCommand(argv: readonly string[] = process.argv.slice(2)): string[] {
  return argv.map((word, i) => {
    if (argv[i - 1] === OPTION) return withoutPassword(word);
    const prefix = `${OPTION}=`;
    return word.startsWith(prefix) ? prefix + withoutPassword(word.slice(prefix.length)) : word;
  });
}

/** Has ps(1) show that instead of the password. Until now, a moment after the start, it did. */
export function hidePassword(): void {
  const typed = process.argv.slice(2);
  const shown = typedCommand(typed);
  if (shown.some((word, i) => word !== typed[i])) process.title = ['loopscope', ...shown].join(' ');
}
