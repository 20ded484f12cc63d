/** What `serve proxy` does with its configuration file: reads it, checks it, reads it again, makes hashes for it. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { LoopscopeError } from '../../base/errors.ts';
import { describeConfig } from '../../serve/proxy/config/describe-config.ts';
import { loadConfig } from '../../serve/proxy/config/load-config.ts';
import { type ConfiguredSettings, settingsOfConfig } from '../../serve/proxy/config/settings-of.ts';
import { hashPassword } from '../../serve/proxy/rules/who/password.ts';

export async function configuredSettings(path: string): Promise<ConfiguredSettings> {
  return settingsOfConfig(await loadConfig(path));
}

/** In words, for --check-config. */
export async function checkConfig(path: string): Promise<string> {
  return `${path} is right.\n${describeConfig(await configuredSettings(path))}`;
}

/** At a reload. Says what of it cannot change while the proxy runs. Throws what is wrong, with what to do about it. */
export async function settingsAgain(
  path: string,
  before: ConfiguredSettings,
  onNews: (text: string) => void,
): Promise<ConfiguredSettings> {
  let settings: ConfiguredSettings;
  try {
    settings = await configuredSettings(path);
  } catch (error) {
    if (!(error instanceof LoopscopeError) || error.hint === '') throw error;
    throw new LoopscopeError(error.code, `${error.message} (${error.hint})`);
  }
  const others = Object.keys({ ...before, ...settings }).filter(
    (key) => key !== 'access',
  ) as (keyof ConfiguredSettings)[];
  const isChanged = others.some((key) => JSON.stringify(before[key]) !== JSON.stringify(settings[key]));
  if (isChanged)
    onNews(
      `${path}: users and rules hold from now on; listeners, upstreams, limits and times after a restart`,
    );
  return settings;
}

/** Asks for a password, without showing it, or takes the first line of what is piped in. Throws USAGE for an empty one. */
export async function hashTypedPassword(): Promise<string> {
  const isTyped = process.stdin.isTTY === true;
  if (isTyped) process.stderr.write('Password: ');
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: isTyped });
  const password = await new Promise<string>((resolve) => {
    lines.once('line', resolve);
    lines.once('close', () => resolve(''));
  });
  lines.close();
  if (isTyped) process.stderr.write('\n');
  if (password === '')
    throw new LoopscopeError(
      'USAGE',
      'no password was given',
      'type one, or pipe one in: printf %s "$PASSWORD" | …',
    );
  return hashPassword(Buffer.from(password, 'utf8'));
}
