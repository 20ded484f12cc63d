/**
 * Makes the pictures of the README, docs/pictures/*.webp, from a real run: a server with a planted fault is examined, and
 * then watched on a terminal of tmux's while it is loaded. Needs root, tmux and Debian's chromium.
 *
 *     node --disable-warning=ExperimentalWarning scripts/readme-pictures.ts
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { chromium, type Page } from 'playwright-core';
import { terminalPage } from './terminal-page.ts';

const root = join(import.meta.dirname, '..');
const pictures = join(root, 'docs', 'pictures');
const program = join(root, 'bin', 'loopscope');
const folder = mkdtempSync(join(tmpdir(), 'loopscope-pictures-'));
const CHROMIUM = '/usr/bin/chromium';
const SOCKET = `loopscope-pictures-${process.pid}`;
const TERMINAL = { columns: 100, rows: 18 };
const REPORT = { width: 1000, height: 560 };
const NAMED_A_CULPRIT = 1;
const LIMIT_BYTES = 300_000;
const THEMES = ['light', 'dark'] as const;

type Server = { child: ChildProcess; url: string; pid: string };

const RATE_PER_SEC = '1000';

/** A server that computes for 20 ms at every 100th request. */
async function startServer(): Promise<Server> {
  const child = spawn(
    program,
    [
      'serve',
      'http',
      '--listen',
      'http://127.0.0.1:0',
      '--fault',
      'heavy:20ms/100',
      '--json',
      '--die-with-parent',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [first] = (await once(child.stdout, 'data')) as [Buffer];
  const { targets } = JSON.parse(first.toString().split('\n')[0]!) as { targets: string[] };
  return { child, url: targets[0]!, pid: String(child.pid) };
}

function examine({ url, pid }: Server): string {
  const html = join(folder, 'report.html');
  const args = [
    'doctor',
    url,
    '--pid',
    pid,
    '--rate',
    RATE_PER_SEC,
    '--duration',
    '10s',
    '--quiet',
    '--html',
    html,
  ];
  // On a busy machine a run may be VOID, and says so.
  for (let attempt = 0; attempt < 3; attempt++) {
    const { status } = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    if (status === NAMED_A_CULPRIT) return html;
  }
  throw new Error('three runs named no culprit: is the machine quiet?');
}

const tmux = (...args: string[]) =>
  execFileSync('tmux', ['-L', SOCKET, '-f', '/dev/null', ...args]).toString();

/** What the terminal shows of a watch that has lasted some seconds, with its escape sequences. */
async function watchOnTerminal({ url, pid }: Server): Promise<string> {
  const load = spawn(program, ['load', url, '--rate', RATE_PER_SEC, '--duration', '10s', '--quiet'], {
    stdio: 'ignore',
  });
  const size = ['-x', String(TERMINAL.columns), '-y', String(TERMINAL.rows)];
  tmux('new-session', '-d', ...size, program, 'watch', pid);
  try {
    await delay(8000);
    return tmux('capture-pane', '-e', '-p');
  } finally {
    tmux('kill-server');
    load.kill();
    await once(load, 'exit');
  }
}

/** Runs in the page; as text, because the types of a browser are not those of this program. */
const TO_WEBP = `async (source) => {
  const picture = Object.assign(new Image(), { src: source });
  await picture.decode();
  const canvas = Object.assign(document.createElement('canvas'), { width: picture.width, height: picture.height });
  canvas.getContext('2d').drawImage(picture, 0, 0);
  return canvas.toDataURL('image/webp', 1);
}`;

/** WebP without loss is less than half of what PNG takes. The tab shows nothing afterwards. */
async function toWebp(tab: Page, png: Buffer): Promise<Buffer> {
  await tab.goto('about:blank');
  const url = (await tab.evaluate(
    `(${TO_WEBP})('data:image/png;base64,${png.toString('base64')}')`,
  )) as string;
  return Buffer.from(url.split(',')[1]!, 'base64');
}

async function photograph(report: string, terminal: string, pid: string): Promise<number> {
  const page = join(folder, 'terminal.html');
  writeFileSync(page, terminalPage(terminal, `loopscope watch ${pid}`));
  const args = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
  const browser = await chromium.launchPersistentContext(join(folder, 'profile'), {
    executablePath: CHROMIUM,
    headless: true,
    args,
    viewport: REPORT,
  });
  let totalBytes = 0;
  try {
    const tab = await browser.newPage();
    for (const colorScheme of THEMES) {
      await tab.emulateMedia({ colorScheme });
      for (const [name, path] of [
        ['report', report],
        ['watch', page],
      ] as const) {
        await tab.goto(pathToFileURL(path).href);
        const file = join(pictures, `${name}-${colorScheme}.webp`);
        const png = await (name === 'report' ? tab : tab.locator('#terminal')).screenshot();
        writeFileSync(file, await toWebp(tab, png));
        totalBytes += statSync(file).size;
        console.log(`${file}: ${statSync(file).size} bytes`);
      }
    }
  } finally {
    await browser.close();
  }
  return totalBytes;
}

mkdirSync(pictures, { recursive: true });
try {
  const server = await startServer();
  try {
    const report = examine(server);
    const terminal = await watchOnTerminal(server);
    const totalBytes = await photograph(report, terminal, server.pid);
    if (totalBytes > LIMIT_BYTES) throw new Error(`${totalBytes} bytes are more than ${LIMIT_BYTES}`);
  } finally {
    server.child.kill();
    await once(server.child, 'exit');
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
