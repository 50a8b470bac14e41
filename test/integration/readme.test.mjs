// Follows README.md as a new user does: runs each of its blocks, in order and unchanged, on a Debian of its own.
//
// Kernel namespaces turn this machine into that Debian: overlays above its folders take everything that is installed or configured,
// PostgreSQL's cluster is a new one of the distribution, and ports 5432 and 8080 are free. The fences of the blocks select how they
// run: "sh" in one shell, "sh server" in the background, "sql" in psql, "conf" in postgresql.conf, "html" in Chromium.
//
// Three commands are stand-ins: sudo (there is no password to ask for), systemctl (there is no systemd: it reads the unit and
// starts its command as its user), and npm (there is no network: it copies the package that the tests use).

import { refused } from '../fault/own_machine.mjs';
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { chromium } from './harness/chromium.mjs';
import { atExit } from './harness/cleanup.mjs';
import { root } from './harness/postgres.mjs';
import { until } from './harness/wait.mjs';

const scratch = mkdtempSync(path.join(tmpdir(), 'herald-readme-'));
atExit(() => rmSync(scratch, { recursive: true, force: true }));
const folder = (name) => path.join(scratch, name);
const command = (...words) => execFileSync(words[0], words.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

// The fenced blocks of README.md under a heading: { language, kind, text }.
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
function blocks(heading) {
  const level = /^#+/.exec(heading)[0].length;
  const [, section] = new RegExp(`^${heading}$\\n([^]*?)(?=^#{1,${level}} |$(?![^]))`, 'm').exec(readme) ?? assert.fail(`README.md has no "${heading}"`);
  return [...section.matchAll(/^```(\w+) ?(\w*)\n([^]*?)^```$/gm)].map(([, language, kind, text]) => ({ language, kind, text }));
}

const SHIMS = {
  sudo: `user=root; [ "$1" != -u ] || { user=$2; shift 2; }
exec setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups -- "$@"`,
  npm: `[ "$*" = 'install socket.io-client' ] || exit 1
mkdir -p node_modules && cp -r '${root}/test/integration/node_modules/socket.io-client' node_modules/`,
  systemctl: `[ "$*" = 'enable --now herald-bridge' ] || exit 1
for place in /etc /run /usr/local/lib /usr/lib; do
  unit=$place/systemd/system/herald-bridge.service
  [ -f "$unit" ] || continue
  sudo -u "$(sed -n 's/^User=//p' "$unit")" $(sed -n 's/^ExecStart=//p' "$unit") 2> '${folder('unit.log')}' &
  echo $! > '${folder('unit.pid')}'
  exit 0
done
exit 1`,
};

// Returns the reason why README's steps cannot run on this machine; false: they can.
function lacking() {
  const trial = 'command -v pg_createcluster useradd && mount -t tmpfs tmpfs /mnt && cd /mnt && mkdir lower upper work merged && '
    + 'mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged';
  const { status, stderr } = spawnSync('unshare', ['--mount', 'sh', '-c', trial], { encoding: 'utf8' });
  return status === 0 ? false : `no Debian with overlays here: ${stderr.trim() || 'pg_createcluster or useradd is missing'}`;
}

// Puts empty overlays on folders of this machine, and empties others.
function layOver() {
  mkdirSync(folder('layers'));
  command('mount', '-t', 'tmpfs', 'tmpfs', folder('layers'));
  atExit(() => command('umount', '--lazy', folder('layers')));
  for (const place of ['/etc', '/usr/local', '/usr/lib/postgresql', '/usr/share/postgresql']) {
    const [upper, work] = ['upper', 'work'].map((name) => path.join(folder('layers'), place.replaceAll('/', '-') + name));
    for (const made of [upper, work]) mkdirSync(made, { mode: 0o755 });
    command('mount', '-t', 'overlay', 'overlay', '-o', `lowerdir=${place},upperdir=${upper},workdir=${work}`, place);
  }
  for (const place of ['/etc/postgresql', '/var/lib/postgresql', '/var/log/postgresql', '/run/postgresql']) {
    command('mount', '-t', 'tmpfs', '-o', `mode=755,uid=${command('id', '-u', 'postgres').trim()}`, 'tmpfs', place);
  }
}

// A cluster as the package postgresql creates it.
class Cluster {
  version = command('pg_config', '--version').match(/\d+/)[0];

  create() {
    command('pg_createcluster', '--port=5432', this.version, 'main');
    const hba = readFileSync(`/etc/postgresql/${this.version}/main/pg_hba.conf`, 'utf8');
    assert.match(hba, /^local\s+all\s+all\s+peer$/m, "Debian's pg_hba.conf");
    assert.match(hba, /^host\s+all\s+all\s+127\.0\.0\.1\/32\s+scram-sha-256$/m, "Debian's pg_hba.conf");
    this.#control('start');
    atExit(() => this.#control('stop', '--mode=immediate'));
  }

  configure(lines) {
    appendFileSync(`/etc/postgresql/${this.version}/main/postgresql.conf`, `\n${lines}`);
    this.#control('restart');
  }

  #control(action, ...options) {
    command('pg_ctlcluster', '--skip-systemctl-redirect', ...options, this.version, 'main', action);
  }
}

// Ends a process and its children when the file ends. Returns a function that ends them before.
function stopAtExit(pid) {
  const stop = () => {
    forget();
    try { process.kill(-pid, 'SIGTERM'); } catch { /* it has ended */ }
  };
  const forget = atExit(stop);
  return stop;
}

// One shell for all blocks, so that variables of a block reach the next ones. It ends at the first command that fails.
class Shell {
  #output = '';
  #count = 0;

  constructor() {
    const environment = { PATH: `${folder('shims')}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`, HOME: scratch, LANG: 'C.UTF-8',
      MAKEFLAGS: '-j2', PSQLRC: folder('psqlrc'), TMPDIR: '/tmp' };
    writeFileSync(environment.PSQLRC, '\\set ON_ERROR_STOP on\n');
    this.child = spawn('bash', ['-e', '-o', 'pipefail'], { cwd: folder('pg_herald'), env: environment, detached: true });
    this.stop = stopAtExit(this.child.pid);
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', (text) => { this.#output += text; });
  }

  // Runs commands and returns their output.
  async run(text) {
    assert.equal(this.child.exitCode, null, 'an earlier block of README.md has failed');
    const file = folder(`block${++this.#count}.sh`);
    const end = `== ${file} has ended`;
    writeFileSync(file, text);
    this.#output = '';
    this.child.stdin.write(`. ${file} </dev/null\necho '${end}'\n`);
    await until(`this block ends: ${text}`, () => {
      if (this.child.exitCode !== null) assert.fail(`a command failed in this block of README.md:\n${text}\nIt said:\n${this.#output}`);
      return this.#output.includes(end);
    }, 400000);
    return this.#output.replace(end, '').trim();
  }

  // Runs SQL as the page does: in "sudo -u postgres psql app".
  sql(text) {
    const file = folder(`block${++this.#count}.sql`);
    writeFileSync(file, text);
    return this.run(`sudo -u postgres psql app < ${file}`);
  }

  // Runs the commands of a server, which do not end, in a folder. Returns a function that stops it.
  async serve(text, cwd) {
    const file = folder(`block${++this.#count}.sh`);
    writeFileSync(file, text);
    const pid = Number(await this.run(`cd ${cwd}; setsid bash -e ${file} >${file}.log 2>&1 & echo $!; cd - >/dev/null`));
    return stopAtExit(pid);
  }

  runBlock(block) { return block.language === 'sql' ? this.sql(block.text) : this.run(block.text); }
}

const isReady = () => fetch('http://localhost:8080/readyz').then((response) => response.status === 200, () => false);
const isGone = () => fetch('http://localhost:8080/readyz').then(() => false, () => true);

// Whether the bridge accepts a token.
async function opens(token) {
  const ends = new AbortController();
  const { status } = await fetch(`http://localhost:8080/events?token=${token}`, { signal: ends.signal });
  ends.abort();
  return status === 200;
}

const cluster = new Cluster();
let shell, stopBridge, stopPage, browser, page;
const skip = refused || lacking();
after(async () => {
  await browser?.close();
  stopPage?.();
  stopBridge?.();
  shell?.stop();
});

function prepare() {
  chmodSync(scratch, 0o755);
  for (const name of ['shims', 'pg_herald', 'page']) mkdirSync(folder(name));
  for (const [name, text] of Object.entries(SHIMS)) writeFileSync(path.join(folder('shims'), name), `#!/bin/bash\n${text}\n`, { mode: 0o755 });
  command('bash', '-c', `cd '${root}' && git -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
    tar -c --null --ignore-failed-read -T - | tar -x --no-same-owner -C '${folder('pg_herald')}'`);
  layOver();
  cluster.create();
  shell = new Shell();
}

test('README leads from packages to the first notification', { skip, timeout: 500000 }, async () => {
  prepare();
  let output;
  for (const block of blocks('## First notification')) output = await shell.runBlock(block);
  assert.match(output, /ben liked your post/);
});

test("README's bridge starts: role, secret, settings, --check, unit and command", { skip, timeout: 500000 }, async () => {
  for (const heading of ['### 1. Install the bridge', '### 2. Create its database role', '### 3. Create the secret', '### 4. Configure the bridge']) {
    for (const block of blocks(heading)) await shell.runBlock(block);
  }
  const [check, unit, server] = blocks('### 5. Start the bridge');
  assert.match(await shell.run(check.text), /everything is in order/);
  await shell.run(unit.text);
  await until('the unit serves', isReady);
  command('kill', readFileSync(folder('unit.pid'), 'utf8').trim());
  await until('the unit has ended', isGone);
  assert.equal(server.kind, 'server');
  stopBridge = await shell.serve(server.text, folder('pg_herald'));
  await until('the command serves', isReady);
});

test("README's tokens are valid: of the script, JavaScript, Python and SQL", { skip, timeout: 60000 }, async () => {
  const secret = readFileSync('/etc/herald/secret', 'utf8').trim();
  const [script, javascript, python, sql, use] = blocks('### 6. Make a token');
  assert.deepEqual([javascript, python, sql].map(({ language }) => language), ['js', 'python', 'sql']);
  await shell.run(script.text);
  writeFileSync(folder('token.mjs'), javascript.text);
  writeFileSync(folder('token.py'), `${python.text}\nimport sys\nprint(make_token(sys.argv[1], 1))\n`);
  await shell.sql(sql.text);
  const tokens = {
    script: await shell.run('echo $token'),
    javascript: (await import(pathToFileURL(folder('token.mjs')))).makeToken(secret, 1),
    python: command('python3', folder('token.py'), secret).trim(),
    sql: (await shell.run(use.text)).split('\n').pop(),
  };
  for (const [name, token] of Object.entries(tokens)) assert.ok(await opens(token), `the token of ${name}: ${token}`);
  assert.ok(!await opens(`${tokens.script}x`), 'another signature is refused');
});

test("README's page and an EventSource receive a like", { skip, timeout: 120000 }, async () => {
  const [html, server, open, like, source, doctor] = blocks('### 7. Listen in the browser');
  assert.deepEqual([html.language, server.kind, source.kind], ['html', 'server', 'browser']);
  writeFileSync(path.join(folder('page'), 'index.html'), html.text);
  stopPage = await shell.serve(server.text, folder('page'));
  await until('the page is served', () => fetch('http://localhost:3000/').then(({ ok }) => ok, () => false));
  browser = await chromium();
  page = await browser.newPage();
  await page.goto((await shell.run(open.text)).trim());
  await page.locator('li', { hasText: /^connected$/ }).waitFor();
  await page.addScriptTag({ content: source.text });
  await page.waitForFunction(() => source.readyState === EventSource.OPEN);
  await shell.run(like.text);
  for (const text of ['cleo liked your post', '1 unread', 'post 42 has 2 likes', '2 likes']) {
    await page.locator('li').filter({ hasText: new RegExp(`^${text}$`) }).first().waitFor();
  }
  assert.match(await shell.run(doctor.text), /remedy/);
});

test("README's page is refused from an origin that is not allowed", { skip, timeout: 60000 }, async () => {
  const elsewhere = await browser.newPage();
  await elsewhere.goto(page.url().replace('localhost:3000', '127.0.0.1:3000'));
  await elsewhere.locator('li', { hasText: 'refused' }).first().waitFor();
});

test("README's settings preload the extension", { skip, timeout: 120000 }, async () => {
  const [settings] = blocks('### 8. Preload the extension');
  assert.match(await shell.sql('SELECT problem FROM herald.doctor();'), /not_preloaded/);
  cluster.configure(settings.text);
  await until('the worker serves', async () => /\bt\b/.test(await shell.sql('SELECT herald.preloaded();')));
  assert.doesNotMatch(await shell.sql('SELECT problem FROM herald.doctor();'), /not_preloaded/);
});

test("README's password and its peer map let the bridge log in", { skip, timeout: 60000 }, async () => {
  stopBridge();
  await until('the bridge has ended', isGone);
  const other = blocks('### Other ways to log in');
  let output;
  for (const block of other.filter(({ language }) => language !== 'conf')) output = await shell.runBlock(block);
  assert.match(output, /everything is in order/);
  const [map, rule] = ['ident', 'hba'].map((wanted) => other.find(({ kind }) => kind === wanted).text);
  const configuration = `/etc/postgresql/${cluster.version}/main`;
  appendFileSync(`${configuration}/pg_ident.conf`, map);
  const hba = `${configuration}/pg_hba.conf`;
  writeFileSync(hba, rule + readFileSync(hba, 'utf8'));
  await shell.sql('CREATE ROLE my_bridge LOGIN IN ROLE herald_bridge; SELECT pg_reload_conf();');
  const check = "sudo -u herald herald-bridge --config=/etc/herald/herald-bridge.conf --database='dbname=app user=my_bridge' --check";
  await shell.run(`until ${check} || [ $((tries += 1)) = 50 ]; do sleep 0.1; done; ${check}`);
});
