/** What the command line declares, asked of commander itself: commands, and the commands within them. */
import { Command } from 'commander';
import { loadAll } from '../../src/cli/registry.ts';

export type Declared = { name: string; usage: string; command: Command };

/** "serve" and "serve proxy", each with its options. */
export async function declaredCommands(): Promise<Declared[]> {
  const found: Declared[] = [];
  for (const declared of await loadAll()) {
    const name = declared.usage.split(' ')[0]!;
    const command = new Command(name);
    declared.configure(command, () => {});
    found.push({ name, usage: declared.usage, command });
    for (const inner of command.commands) {
      const path = `${name} ${inner.name()}`;
      found.push({ name: path, usage: path, command: inner });
    }
  }
  return found;
}
