// The bridge as its administrator meets it: checks, metrics, settings, files and signals.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, test } from 'node:test';
import { freePort, program, runBridge } from './harness/bridge.mjs';
import { atExit } from './harness/cleanup.mjs';
import { PlainClient } from './harness/plain_client.mjs';
import { Pooler } from './harness/pooler.mjs';
import { root } from './harness/postgres.mjs';
import { Scene } from './harness/scene.mjs';
import { sign } from './harness/token.mjs';
import { soon, until } from './harness/wait.mjs';

const scene = await Scene.open({ options: [`--www=${path.join(root, 'examples/social/www')}`] });
after(() => scene.close());
afterEach(() => scene.closeClients());

const { bridge, database } = scene;
const directory = mkdtempSync(path.join(tmpdir(), 'herald-settings-'));
after(() => rmSync(directory, { recursive: true }));
const secretFile = path.join(directory, 'secret');
writeFileSync(secretFile, scene.secret, { mode: 0o600 });

const settings = (overrides = {}) => {
  const merged = { database: database.conninfo('bridge'), listen: '127.0.0.1:0', 'jwt-secret-file': secretFile, ...overrides };
  return Object.entries(merged).filter(([, value]) => value !== undefined).map(([name, value]) => `--${name}=${value}`);
};

test('answers /healthz and /readyz', async () => {
  assert.equal((await bridge.get('/healthz')).status, 200);
  assert.equal((await bridge.get('/readyz')).status, 200);
});

test('/metrics counts connections, events and deliveries', async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const before = await bridge.metric('herald_deliveries_total');
  const events = await bridge.metric('herald_events_read_total');
  const clients = await scene.both(ann);
  assert.equal(await bridge.metric('herald_connections'), 2);
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [ben, ann]);
  for (const client of clients) await client.waitFor('notification:new');
  assert.ok(await bridge.metric('herald_deliveries_total') >= before + 2);
  assert.ok(await bridge.metric('herald_events_read_total') > events);
  assert.match(await (await bridge.get('/metrics')).text(), /herald_\w*lag\w*/);
  scene.closeClients();
  await until('no connection is counted', async () => await bridge.metric('herald_connections') === 0);
});

test('/metrics has times of deliveries and queries, and connections by transport', async () => {
  const { bridge, database } = scene;
  const [eve] = await scene.people('Eve');
  const plain = await scene.plain(eve);
  const stream = await scene.eventSource(eve);
  const polling = await scene.socketIo(eve, { transports: ['polling'] });
  const text = await (await bridge.get('/metrics')).text();
  for (const transport of ['websocket', 'events', 'polling']) {
    assert.match(text, new RegExp(`^herald_connections\\{transport="${transport}"\\} 1$`, 'm'));
  }
  const before = await bridge.metric('herald_delivery_seconds_count');
  // One event for three clients and one for nobody; the first was inserted 300 ms before the commit.
  const session = await database.connect();
  await session.query('BEGIN');
  await session.query("SELECT herald.publish($1, 'test:timed', '{}')", [`user:${eve}`]);
  await session.query('SELECT pg_sleep(0.3)');
  await session.query("SELECT herald.publish('user:nobody', 'test:untimed', '{}')");
  await session.query('COMMIT');
  await session.end();
  for (const client of [plain, stream, polling]) await client.waitFor('test:timed');
  await until('the delivery is counted', async () => await bridge.metric('herald_delivery_seconds_count') > before);
  const after = await (await bridge.get('/metrics')).text();
  const bucket = (document, bound) => Number(new RegExp(`^herald_delivery_seconds_bucket\\{le="${bound}"\\} (\\d+)$`, 'm').exec(document)[1]);
  assert.equal(bucket(after, '\\+Inf'), before + 1);
  assert.equal(bucket(after, '0.25'), bucket(text, '0.25'), 'the time begins with the insert');
  assert.ok(await bridge.metric('herald_delivery_seconds_sum') >= 0.3);
  assert.match(after, /^herald_query_seconds_count\{connection="rooms"\} [1-9]/m);
});

test('/metrics has times of actions by name, and no name that a client invents', async () => {
  const { bridge } = scene;
  const [ann] = await scene.people('Ann');
  const client = await scene.plain(ann);
  const count = async (name) => {
    const line = new RegExp(`^herald_action_seconds_count\\{action="${name}"\\} (\\d+)$`, 'm');
    return Number(line.exec(await (await bridge.get('/metrics')).text())?.[1] ?? 0);
  };
  const [pings, others] = [await count('ping'), await count('other')];
  for (const [action, data] of [['ping'], ['room:join', { room: `user:${ann}` }], ['inbox:list']]) {
    assert.equal((await client.ask(action, data)).ok, true);
  }
  for (const name of ['invented:action', 'invented', 'x'.repeat(300)]) assert.equal((await client.ask(name)).error.code, 'HD404');
  assert.equal(await count('ping'), pings + 1);
  assert.ok(await count('room:join') >= 1);
  assert.ok(await count('inbox:list') >= 1);
  assert.equal(await count('other'), others + 3);
  assert.doesNotMatch(await (await bridge.get('/metrics')).text(), /invented/);
});

test('/metrics has the suspended rules of the database, and what they missed', async () => {
  await database.query(`
    CREATE TABLE mended (id int PRIMARY KEY, note text);
    SELECT herald.watch('mended', 'mended', recipient => '1', title => '{note}');
    ALTER TABLE mended DROP COLUMN note;
    INSERT INTO mended VALUES (1), (2)`);
  await until('a rule is suspended', async () => await bridge.metric('herald_suspended_rules') === 1, 30000);
  assert.equal(await bridge.metric('herald_missed_changes'), 2);
  assert.equal(await bridge.metric('herald_rule_failures'), 0);
  assert.deepEqual(await database.query('SELECT ok, problems FROM herald.status'),
    [{ ok: false, problems: ['suspended rules: mended of public.mended'] }]);
  await database.query('DROP TABLE mended; SELECT herald.maintain()');
  await until('no rule is suspended', async () => await bridge.metric('herald_suspended_rules') === 0, 30000);
});

test('keeps secrets out of the log and /metrics', async () => {
  const [ann] = await scene.people('Ann');
  const token = scene.token(ann);
  await scene.both(ann);
  const text = bridge.log + await (await bridge.get('/metrics')).text();
  assert.ok(!text.includes(scene.secret));
  assert.ok(!text.includes(token));
});

test('serves files from --www only', async () => {
  const page = await bridge.get('/');
  assert.equal(page.status, 200);
  assert.match(page.headers.get('content-type'), /text\/html/);
  assert.match(await page.text(), /<!doctype html>/);
  assert.match((await bridge.get('/app.js')).headers.get('content-type'), /javascript/);
  assert.match((await bridge.get('/style.css')).headers.get('content-type'), /css/);
  assert.equal((await bridge.get('/missing.js')).status, 404);
  for (const url of ['/../schema.sql', '/%2e%2e/schema.sql', '/..%2fschema.sql', '//etc/passwd']) {
    assert.doesNotMatch(await (await bridge.get(url)).text(), /CREATE TABLE|root:/, url);
  }
});

test('--check accepts a good configuration', async () => {
  const { code, output } = await runBridge([...settings(), '--check']);
  assert.equal(code, 0, output);
});

test('--check and the start name a wrong setting and exit with an error', async () => {
  const other = await scene.postgres.createDatabase('bare');
  const empty = path.join(directory, 'empty');
  writeFileSync(empty, '');
  const short = path.join(directory, 'short');
  writeFileSync(short, 'abc');
  const wrong = [
    [settings({ 'jwt-secret-file': undefined }), /jwt-secret-file/],
    [settings({ 'jwt-secret-file': path.join(directory, 'missing') }), /missing/],
    [settings({ 'jwt-secret-file': empty }), /empty|short/],
    [settings({ 'jwt-secret-file': short }), /short|32|bytes/],
    [settings({ listen: 'nonsense' }), /listen/],
    [settings({ listen: '127.0.0.1:99999' }), /listen|port/],
    [settings({ 'max-payload': 'many' }), /max-payload/],
    [settings({ 'no-such-option': '1' }), /no-such-option/],
    [settings({ www: '/no/such/directory' }), /www|no\/such/],
    [settings({ config: path.join(directory, 'none.conf') }), /none\.conf/],
    [settings({ database: 'not a conninfo' }), /database|conninfo|=/],
  ];
  for (const [options, reason] of wrong) {
    for (const extra of [['--check'], []]) {
      const { code, output } = await runBridge([...options, ...extra]);
      assert.notEqual(code, 0, `${options} ${extra}`);
      assert.match(output, reason, `${options} ${extra}`);
    }
  }
  const bare = await runBridge([...settings({ database: other.conninfo('bridge') }), '--check']);
  assert.notEqual(bare.code, 0);
  assert.match(bare.output, /pg_herald|extension/);
  const nowhere = await runBridge([...settings({ database: `host=127.0.0.1 port=${await freePort()} dbname=x user=x` }), '--check']);
  assert.notEqual(nowhere.code, 0);
  assert.match(nowhere.output, /connect|refused/i);
});

test('--check works beside a running bridge', async () => {
  const { code, output } = await runBridge([...settings({ listen: `127.0.0.1:${bridge.port}` }), '--check']);
  assert.equal(code, 0, output);
});

// A server that hangs accepts connections and sends nothing.
test('--check reports a server that does not answer', async () => {
  const silent = net.createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address();
  const check = (conninfo) => soon('the check ends', runBridge([...settings({ database: conninfo }), '--check']), 60000);
  const checkPooled = async () => {
    const pooler = await Pooler.start({ name: 'social', server: { directory: '127.0.0.1', port } }, 'session');
    const { code, output } = await check(pooler.conninfo('bridge')).finally(() => pooler.stop());
    assert.equal(code, 1);
    assert.match(output, /database: .*(timeout|no answer)/);
  };
  const [unreachable] = await Promise.all([check(`host=127.0.0.1 port=${port} user=bridge dbname=social`), Pooler.isInstalled && checkPooled()]);
  assert.equal(unreachable.code, 1);
  assert.match(unreachable.output, /cannot connect: .*timeout expired\n {2}Check host/);
  silent.close();
});

test('--check reports a pooler that shares backends between transactions', { skip: !Pooler.isInstalled && 'pgbouncer is not installed' }, async () => {
  const pooled = async (mode) => {
    const pooler = await Pooler.start(database, mode);
    try {
      return await runBridge([...settings({ database: pooler.conninfo('bridge') }), '--check']);
    } finally {
      await pooler.stop();
    }
  };
  const shared = await pooled('transaction');
  assert.notEqual(shared.code, 0, shared.output);
  assert.match(shared.output, /pooler/);
  assert.match(shared.output, /pool_mode = session/);
  const own = await pooled('session');
  assert.equal(own.code, 0, own.output);
});

test('delivers behind a pooler of sessions, also events from the time while that restarts', { skip: !Pooler.isInstalled && 'pgbouncer is not installed' }, async () => {
  const pooler = await Pooler.start(database, 'session');
  const pooled = await scene.addBridge([], pooler.conninfo('bridge'));
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const clients = [...await scene.both(ann, { bridge: pooled }), await scene.eventSource(ann, { bridge: pooled })];
  const publish = (numbers) => database.query(
    "SELECT herald.publish('user:' || $1::text, 'number', jsonb_build_object('n', n)) FROM unnest($2::int[]) AS n", [ann, numbers]);
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [ben, ann]);
  for (const client of clients) await client.waitFor('notification:new');
  assert.equal((await clients[1].ask('notification:read', { all: true })).ok, true);
  await publish([1, 2, 3]);
  await scene.settle(...clients);
  await pooler.kill();
  await publish([4, 5, 6]);
  await until('the bridge has lost its reader', () => /event=database_lost connection=reader/.test(pooled.log));
  await publish([7, 8, 9]);
  await pooler.start();
  await scene.settle(...clients);
  for (const client of clients) {
    assert.deepEqual(client.all('number').map(({ data }) => data.n), [1, 2, 3, 4, 5, 6, 7, 8, 9], client.label);
  }
  await until('the bridge is ready again', async () => (await pooled.get('/readyz')).status === 200);
  await pooled.stop();
  await pooler.stop();
});

test('names a pooler that shares backends in its log and in /readyz, and is ready at no time', { skip: !Pooler.isInstalled && 'pgbouncer is not installed' }, async () => {
  const pooler = await Pooler.start(database, 'transaction');
  const other = await scene.addBridge(['--poll-interval=200ms'], pooler.conninfo('bridge'), program, false);
  await until('the bridge has noticed it', async () => {
    const response = await other.get('/readyz');
    const text = await response.text();
    assert.equal(response.status, 503, text);
    return text.includes('pooler');
  });
  await other.logged(/event=doorbell_deaf .*connection pooler.*pool_mode = session/);
  await pooler.stop();
});

test('fails to start when its port is in use', async () => {
  const { code, output } = await runBridge(settings({ listen: `127.0.0.1:${bridge.port}` }));
  assert.notEqual(code, 0);
  assert.match(output, /cannot listen on "127.0.0.1:\d+": Address already in use\n  .*set another port with --listen/);
});

test('names a remedy for each start error', async () => {
  for (const [wrong, remedy] of [
    [{ listen: '192.0.2.1:8080' }, /Cannot assign requested address\n  .*0\.0\.0\.0/],
    [{ 'jwt-secret-file': '/no/such/file' }, /No such file or directory\n  .*openssl rand/],
    [{ 'jwt-secret-file': '' }, /is not set.*\n  .*openssl rand/],
    [{ www: '/no/such/directory' }, /is not a folder\n  .*leave www out/],
    [{ config: '/no/such/file' }, /config: \/no\/such\/file: No such file/],
    [{ config: '/' }, /config: \/: Is a directory/],
    [{ dialect: 'nowhere' }, /nowhere\.json: No such file or directory\n  .*canonical, gateway, kebab, namespaces, snake/],
  ]) {
    const { code, output } = await runBridge(settings(wrong));
    assert.equal(code, 1, output);
    assert.match(output, remedy);
  }
});

test('takes settings from a file, the environment and the command line, which wins', async () => {
  const file = path.join(directory, 'herald.conf');
  const port = await freePort();
  writeFileSync(file, `database = ${database.conninfo('bridge')}\njwt-secret-file = ${secretFile}\nlisten = 127.0.0.1:1\nmax-payload = 4321\n`);
  const { code, output } = await runBridge([`--config=${file}`, `--listen=127.0.0.1:${port}`, '--print-config'], { HERALD_MAX_PAYLOAD: '1234' });
  assert.equal(code, 0, output);
  assert.match(output, new RegExp(`listen\\W+127\\.0\\.0\\.1:${port}`));
  assert.match(output, /max-payload\W+1234/);
  assert.ok(!output.includes(scene.secret));
});

test('prints --help and --version', async () => {
  const help = await runBridge(['--help']);
  assert.equal(help.code, 0);
  for (const option of ['--database', '--listen', '--jwt-secret-file', '--check']) assert.ok(help.output.includes(option), option);
  const version = await runBridge(['--version']);
  assert.equal(version.code, 0);
  assert.match(version.output, /herald-bridge.* \d+\.\d+/);
});

test('reloads the secret on SIGHUP, and changes nothing if the reload fails', async () => {
  const [ann] = await scene.people('Ann');
  const other = await scene.addBridge();
  const fresh = 'another secret, and long enough to be one';
  const reload = async (secret, event) => {
    writeFileSync(other.secretFile, secret);
    process.kill(other.pid, 'SIGHUP');
    await until(event, () => other.log.includes(`event=${event}`));
  };
  const connects = (secret) => PlainClient.connect(other, sign(secret, ann)).then((client) => client.close());
  await reload('short', 'reload_failed');
  await connects(scene.secret);
  await reload(fresh, 'reloaded');
  await connects(fresh);
  await assert.rejects(connects(scene.secret), /token/);
});

// A named pipe gives each reader the secret once: a reload that opened the file twice would wait for ever.
test('reads the secret once for a reload', async () => {
  const [ann] = await scene.people('Ann');
  const other = await scene.addBridge();
  const fresh = 'another secret, and long enough to be one';
  rmSync(other.secretFile);
  execFileSync('mkfifo', ['-m', '600', other.secretFile]);
  process.kill(other.pid, 'SIGHUP');
  await writeFile(other.secretFile, fresh);
  await until('reloaded', () => other.log.includes('event=reloaded'));
  (await PlainClient.connect(other, sign(fresh, ann))).close();
});

// Each rejected reload changes all settings, but has one wrong line. The accepted reload must report all of them as changed: no
// rejected one took any of them over.
test('changes none of the settings when it rejects a reload', async () => {
  const file = path.join(directory, 'reload.conf');
  const other = { secret: path.join(directory, 'other-secret'), key: path.join(directory, 'other-key') };
  writeFileSync(other.secret, 'another secret, and long enough to be one', { mode: 0o600 });
  writeFileSync(other.key, generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' }));
  const page = readFileSync(path.join(root, 'docs/configuration.md'), 'utf8');
  const reloadable = [...page.matchAll(/^\| `([a-z-]+)` \| (?:`(.*?)`)? ?\| (\w+) \| yes \|/gm)].map(([, name, preset, kind]) => ({ name, preset, kind }));
  assert.ok(reloadable.length >= 20, `${reloadable.length} settings can be reloaded`);
  const special = { 'jwt-secret-file': other.secret, 'jwt-key-file': other.key, 'jwt-algorithm': 'HS512 ES256', 'allow-origin': 'https://app.example', 'log-level': 'debug', 'log-format': 'json' };
  const general = { text: 'another', name: 'another', number: '4321', size: '123kB', time: '7s', rate: '43/s:21' };
  writeFileSync(file, '');
  const changed = await scene.addBridge([`--config=${file}`]);
  const valueOf = ({ name, preset, kind }) => special[name] ?? general[kind] ?? String(preset === 'false');
  const lines = reloadable.map((setting) => `${setting.name} = ${valueOf(setting)}\n`);
  const reload = async (text, event) => {
    const before = changed.log.length;
    writeFileSync(file, text);
    process.kill(changed.pid, 'SIGHUP');
    await changed.logged(new RegExp(event), before);
    return changed.log.slice(before);
  };
  // The command line of the test has the secret and the rates.
  const reloadedAll = reloadable.filter(({ name, kind }) => name !== 'jwt-secret-file' && kind !== 'rate').map(({ name }) => name).sort();
  for (const wrong of ['log-format = xml\n', 'log-level = loud\n', 'ping-interval = never\n', 'jwt-algorithm = none\n', 'allow-origin = app.example\n']) {
    const log = await reload(lines.join('') + wrong, 'reload_failed');
    assert.match(log, /level=error event=reload_failed/, wrong);
    assert.doesNotMatch(log, /event=reloaded|level=debug/, wrong);
  }
  const log = await reload(lines.join(''), 'reloaded');
  const names = /"changed":"([^"]*)"/.exec(log)[1].split(' ').sort();
  assert.deepEqual(names, reloadedAll);
});

test('logs a refused login in one line with a remedy', async () => {
  const child = spawn(program, settings({ database: database.conninfo('nobody_of_this_name') }), { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(child, 'close');
  const forget = atExit(() => child.kill('SIGKILL'));
  let log = '';
  child.stderr.on('data', (text) => { log += text; });
  await until('the server has refused each connection, and another attempt', () => scene.postgres.log().split('"nobody_of_this_name"').length > 12);
  child.kill('SIGTERM');
  await exited;
  forget();
  assert.equal(log.split('database_refused').length - 1, 1, log);
  assert.doesNotMatch(log, /database_lost/);
  assert.match(log, /CREATE ROLE name LOGIN IN ROLE herald_bridge/);
});

test('connects with a password of a password file or a service, and names a wrong one', async () => {
  const hba = path.join(scene.postgres.directory, 'data/pg_hba.conf');
  const trusting = readFileSync(hba, 'utf8');
  const place = `${scene.postgres.directory}:${scene.postgres.port}:*:keyed`;
  const file = (name, text) => {
    writeFileSync(path.join(directory, name), text, { mode: 0o600 });
    return path.join(directory, name);
  };
  const right = file('pgpass', `${place}:the-right-word\n`);
  const wrong = file('wrong', `${place}:the-wrong-word\n`);
  const service = file('pg_service.conf', `[social]\n${database.conninfo('keyed').replaceAll(' ', '\n')}\npassword=the-right-word\n`);
  const check = (conninfo, environment) => runBridge([...settings({ database: conninfo }), '--check'], environment);
  await database.query("SET password_encryption = 'scram-sha-256'; CREATE ROLE keyed LOGIN PASSWORD 'the-right-word' IN ROLE herald_bridge");
  writeFileSync(hba, `local all keyed scram-sha-256\n${trusting}`);
  await database.query('SELECT pg_reload_conf()');
  await until('the server wants the password', async () => (await check(database.conninfo('keyed'), { PGPASSFILE: '/nowhere' })).code !== 0);
  try {
    for (const [conninfo, environment] of [
      [database.conninfo('keyed'), { PGPASSFILE: right }],
      [`${database.conninfo('keyed')} passfile=${right}`, {}],
      ['service=social', { PGSERVICEFILE: service }],
    ]) {
      const { code, output } = await check(conninfo, environment);
      assert.equal(code, 0, output);
    }
    const refused = await check(`${database.conninfo('keyed')} passfile=${wrong}`, {});
    assert.equal(refused.code, 1);
    assert.match(refused.output, /password authentication failed for user "keyed"[^]*Check host, port, dbname, user and password/);
    const none = await check(database.conninfo('keyed'), { PGPASSFILE: '/nowhere' });
    assert.equal(none.code, 1);
    assert.match(none.output, /no password supplied/);

    const reader = await scene.addBridge([], `${database.conninfo('keyed')} passfile=${right}`);
    await reader.stop();
    const stranger = await scene.addBridge([], `${database.conninfo('keyed')} passfile=${wrong}`, undefined, false);
    await until('the log names the password', () => /database_refused .*password authentication failed for user \\?"keyed/.test(stranger.log));
    await stranger.stop();
    for (const said of [refused.output, stranger.log]) assert.doesNotMatch(said, /the-(right|wrong)-word/);
  } finally {
    writeFileSync(hba, trusting);
    await database.query('SELECT pg_reload_conf()');
  }
});

test('tries ever less often to connect to a database that is gone, and does connect when it is back', async () => {
  const gone = 'database "gone" does not exist';
  const bridge = await scene.addBridge([], scene.postgres.database('gone').conninfo('bridge'), undefined, false);
  const refusals = () => scene.postgres.log().split(gone).length - 1;
  await until('every connection is refused', () => refusals() >= 10);
  const all = Date.now();
  await until('six more attempts are refused', () => refusals() >= 16);
  assert.ok(Date.now() - all > 1500, `${Date.now() - all} ms`);    // 50 + 100 + 200 + 400 + 800 at least, and not ten at a time
  assert.equal(await bridge.logged(/database_refused/), 1, bridge.log);
  await database.query('CREATE DATABASE gone');
  await until('the bridge is connected', () => /database_connected connection=reader/.test(bridge.log));
  await bridge.stop();
  await database.query('DROP DATABASE gone');
});

test('logs a role without privileges in one line with the remedy of --check, and reads once it has them', async () => {
  await database.query('CREATE ROLE newcomer LOGIN');
  const options = settings({ database: database.conninfo('newcomer'), 'presence-lease': '300ms' });
  const child = spawn(program, options, { stdio: ['ignore', 'ignore', 'pipe'] });
  const exited = once(child, 'close');
  const forget = atExit(() => child.kill('SIGKILL'));
  let log = '';
  child.stderr.on('data', (text) => { log += text; });
  const helloes = () => scene.postgres.log().split('permission denied for schema herald_internal').length - 1;
  await until('the server has refused the reader twice more', () => /reader_refused/.test(log) && helloes() > 12);
  const { output } = await runBridge([...settings({ database: database.conninfo('newcomer') }), '--check']);
  assert.match(output, /GRANT herald_bridge TO role;/);
  await database.query('GRANT herald_bridge TO newcomer');
  await until('the bridge reads', () => /event=reading/.test(log));
  child.kill('SIGTERM');
  await exited;
  forget();
  assert.equal(log.split('reader_refused').length - 1, 1, log);
  assert.ok(log.split('presence_not_reported').length - 1 <= 1, log);
  assert.match(log, /event=reader_refused .*hint="The role must be a member of herald_bridge: GRANT herald_bridge TO role;"/);
  assert.doesNotMatch(log, /database_lost/);
});

test('drains on SIGTERM: asks clients to reconnect and exits with 0', async () => {
  const [ann] = await scene.people('Ann');
  const other = await scene.addBridge();
  const plain = await scene.plain(ann, { bridge: other });
  const socketIo = await scene.socketIo(ann, { bridge: other });
  const reasons = [];
  socketIo.socket.on('disconnect', (reason) => reasons.push(reason));
  assert.deepEqual(await other.end('SIGTERM'), { code: 0, signal: null });
  assert.equal((await plain.closed).code, 1012, 'service restart');
  await until('the socket.io client has noticed', () => reasons.length);
  assert.equal(reasons[0], 'transport close', 'a reason after which the client reconnects');
});
