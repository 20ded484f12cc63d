/** `npm run bench -- NAME [options]`: runs one benchmark of this folder. Without a name it lists them. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = import.meta.dirname;
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
  .map((file) => file.slice(0, -'.ts'.length))
  .sort();
const [name, ...options] = process.argv.slice(2);

if (name === undefined || !names.includes(name)) {
  if (name !== undefined) process.stderr.write(`no benchmark is called "${name}"\n\n`);
  for (const each of names) process.stdout.write(`${each.padEnd(20)} ${firstSentence(each)}\n`);
  process.exit(name === undefined ? 0 : 2);
}
const flags = ['--disable-warning=ExperimentalWarning', '--expose-gc'];
const { status } = spawnSync(process.execPath, [...flags, join(folder, `${name}.ts`), ...options], {
  stdio: 'inherit',
});
process.exit(status ?? 1);

/** What the file says of itself, up to the first full stop. */
function firstSentence(each: string): string {
  const text = readFileSync(join(folder, `${each}.ts`), 'utf8');
  const comment = /^\/\*\*([\s\S]*?)\*\//.exec(text)?.[1] ?? '';
  return comment
    .replace(/\s*\n\s*\* ?/g, ' ')
    .trim()
    .split('. ')[0]!;
}
