/**
 * How a user's own files (codecs, scenarios, scripts) are loaded. Node alone takes a .ts file for CommonJS where the
 * nearest package.json says so, which is what `npm init` writes; refuses it under node_modules, where our examples are
 * when we are installed; and finds no 'loopscope' where we are installed globally. Loading this file mends all three in
 * this thread.
 */
import { readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { fileURLToPath } from 'node:url';
import { compileFunction } from 'node:vm';
import { withoutExperimentalWarning } from './experimental.ts';

/** Our own sources, or what was made of them: left to Node. */
const ownFolder = new URL('..', import.meta.url).href;
const ourselves = new URL(import.meta.url.endsWith('.ts') ? '../index.ts' : '../index.js', import.meta.url)
  .href;

const COMMONJS_PARAMETERS = ['exports', 'require', 'module', '__filename', '__dirname'];

registerHooks({
  resolve(specifier, context, nextResolve) {
    if (specifier === 'loopscope') return { url: ourselves, shortCircuit: true };
    return nextResolve(specifier, context);
  },
  load(url, context, nextLoad) {
    if (!isUsersFile(url)) return nextLoad(url, context);
    const text = readFileSync(fileURLToPath(url), 'utf8');
    const isTypeScript = !url.endsWith('.js');
    if (!isTypeScript && isCommonJs(text)) return nextLoad(url, context);
    const source = isTypeScript
      ? withoutExperimentalWarning(() => stripTypeScriptTypes(text, { sourceUrl: url }))
      : text;
    const format = url.endsWith('.ts') && isCommonJs(source) ? 'commonjs' : 'module';
    return { format, source, shortCircuit: true };
  },
});

/** Files that may be of another kind than Node would say. JavaScript of installed packages is what their authors say. */
function isUsersFile(url: string): boolean {
  if (!url.startsWith('file:') || url.startsWith(ownFolder)) return false;
  return /\.m?ts$/.test(url) || (url.endsWith('.js') && !url.includes('/node_modules/'));
}

/** As Node tells the two apart where nobody said: what compiles as the body of a function is CommonJS. */
function isCommonJs(source: string): boolean {
  try {
    compileFunction(source, COMMONJS_PARAMETERS);
    return true;
  } catch {
    return false;
  }
}
