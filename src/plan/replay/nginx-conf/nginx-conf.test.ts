// Goal: the format of a log is what nginx's own configuration says. Method: configurations on disk, with includes, quotes
// and comments; what is missing or ambiguous is said.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { recognise } from '../formats/recognise.ts';
import { directivesOf } from './directives.ts';
import { logFormatOf, readNginxConf } from './nginx-conf.ts';

const folder = mkdtempSync(join(tmpdir(), 'nginx-conf-'));
after(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const MAIN = write(
  'nginx.conf',
  `user www-data; # log_format comment '$no';
events { worker_connections 768; }
http {
  include mime.types;
  log_format timed '$remote_addr - $remote_user [$time_local] '
                   '"$request" $status $body_bytes_sent "it\\'s" # not a comment'
                   ' $request_time';
  log_format json escape=json '{"t":"$msec",'
    '"r":"$request","c":"\${remote_addr}"}';
  log_format plain $msec\\t$request_method\\t$request_uri;
  access_log /var/log/nginx/access.log timed buffer=32k;
  include sites-enabled/*.conf;
}
`,
);
write('mime.types', 'types { text/html html htm; }\n');
write(
  'sites-enabled/a.conf',
  'server { access_log off; location ~ ^/a{2} { access_log "/var/log/nginx/api.log" json; } }',
);
write('sites-enabled/b.conf', 'server { access_log /var/log/nginx/old.log; }');

test('words are taken as nginx takes them', () => {
  const words = (text: string) => directivesOf(text).map((each) => each.words);
  assert.deepEqual(words(`a "b c" 'd"' "\\"e\\\\" f\\ng;h{i j;}`), [
    ['a', 'b c', 'd"', '"e\\', 'f\ng'],
    ['h'],
    ['i', 'j'],
  ]);
  assert.deepEqual(words(`set $a "\${b}c"; log \${x}{y;}#z;\nq;`), [
    ['set', '$a', `\${b}c`],
    ['log', `\${x}`],
    ['y'],
    ['q'],
  ]);
  assert.deepEqual(words('open "never closed'), []);
  assert.deepEqual(
    directivesOf('a;\n\nb "\n" c;\nd;').map(({ line }) => line),
    [1, 3, 5],
  );
});

test('the format is that of the access_log which wrote the file, rotated or not', () => {
  const conf = readNginxConf(MAIN);
  const timed = `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "it's" # not a comment $request_time`;
  assert.equal(logFormatOf(conf, undefined, ['/old/access.log.2.gz']), timed);
  assert.equal(
    logFormatOf(conf, undefined, ['api.log']),
    `escape=json {"t":"$msec","r":"$request","c":"\${remote_addr}"}`,
  );
  assert.match(
    logFormatOf(conf, undefined, ['old.log-20261129']),
    /^\$remote_addr - \$remote_user .*http_user_agent"$/,
  );
  assert.equal(logFormatOf(conf, 'plain', []), '$msec\t$request_method\t$request_uri');
});

test('more formats than one, none of that name, and a file that is not there are said', () => {
  const conf = readNginxConf(MAIN);
  assert.throws(() => logFormatOf(conf, undefined, ['-']), /in 3 formats: timed, json, combined/);
  assert.throws(() => logFormatOf(conf, 'jsn', []), /has no log_format "jsn"/);
  assert.throws(() => readNginxConf(join(folder, 'none.conf')), /none\.conf cannot be read: ENOENT/);
  const missing = write('missing.conf', 'include gone.conf;');
  assert.throws(() => readNginxConf(missing), /gone\.conf cannot be read/);
});

test('a configuration without access_log is one of combined; files that include one another end', () => {
  const conf = readNginxConf(write('round.conf', 'include round.conf; include none/*.conf;'));
  assert.match(logFormatOf(conf, undefined, ['access.log']), /^\$remote_addr - /);
});

test('a log is read by the format that its configuration names', () => {
  const line = Buffer.from('1795935895.123\tGET\t/a\n');
  const found = recognise(line, { nginxConf: MAIN, format: 'plain', files: ['x'] });
  assert.equal(found?.format.name, 'nginx');
  assert.equal(found?.share, 1);
});
