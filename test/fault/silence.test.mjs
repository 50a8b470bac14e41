// A network between bridge and database that drops packets silently, and a server that does not answer.

import { refused } from './own_machine.mjs';
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { Scene } from '../integration/harness/scene.mjs';
import { Traffic } from '../integration/harness/traffic.mjs';
import { until } from '../integration/harness/wait.mjs';
import { cut, mend } from './loss.mjs';

const IMPATIENT = 'tcp_user_timeout=1000 keepalives_idle=1 keepalives_interval=1';

const scene = refused ? null : await Scene.open({ settings: ['listen_addresses=127.0.0.1'] });
after(() => { mend(); return scene?.close(); });

const messages = (client) => client.all('message:created').map(({ data }) => data.messageId);
const unready = async (bridge) => (await bridge.get('/readyz')).status === 503;
const times = (bridge, event) => bridge.log.split(`event=${event} `).length - 1;

// Starts a bridge that connects through the network. Its application_name tells its backends from those of other bridges.
function addBridge(name, { host = '127.0.0.1', port = scene.postgres.port, conninfo = '', options } = {}) {
  return scene.addBridge(options, `host=${host} port=${port} user=bridge dbname=social application_name=${name} ${conninfo}`);
}

const backends = (name) => scene.database.query('SELECT pid FROM pg_stat_activity WHERE application_name = $1 ORDER BY backend_start', [name]);

describe('silence', { skip: refused, concurrency: true }, () => {
  test('notices a network that drops all packets, and recovers with it', { timeout: 180000 }, async (t) => {
    const { postgres } = scene;
    const bridge = await addBridge('cut_off', { conninfo: IMPATIENT });
    const [ann, ben] = await scene.people('Ann', 'Ben');
    const conversation = await scene.conversation(ann, ben);
    const [there, here] = [await scene.both(ann, { bridge }), await scene.both(ann)];
    const traffic = new Traffic(scene, conversation, ben);
    await traffic.flows();
    const old = await backends('cut_off');
    assert.ok(old.length > 0);
    const start = Date.now();
    cut(postgres.port);
    await until('not ready', () => unready(bridge));
    t.diagnostic(`noticed after ${Date.now() - start} ms`);
    await until('every connection is lost', () => times(bridge, 'database_lost') === old.length);
    assert.match(await (await bridge.get('/readyz')).text(), /timed out/);
    await bridge.logged(/event=database_lost connection=reader reason=".*timed out/);
    const healed = Date.now();
    mend(postgres.port);
    await bridge.ready();
    t.diagnostic(`ready ${Date.now() - healed} ms after it was mended`);
    await traffic.flows();
    const ids = await traffic.stop();
    await scene.settle(...there, ...here);
    for (const client of [...there, ...here]) assert.deepEqual(messages(client), ids, client.label);
    const gone = async () => (await backends('cut_off')).every(({ pid }) => !old.some((backend) => backend.pid === pid));
    await until('the server has given up the old connections', gone, 20000);
    t.diagnostic(`backends gone after ${Date.now() - start} ms`);
  });

  test('connects to the next host when the first is silent', { timeout: 180000 }, async (t) => {
    cut(1);
    const start = Date.now();
    await addBridge('two_hosts', { host: '127.0.0.1,127.0.0.1', port: `1,${scene.postgres.port}` });
    t.diagnostic(`ready after ${Date.now() - start} ms`);
  });

  test('gives up a server that accepts queries and does not answer', { timeout: 180000 }, async (t) => {
    const { postgres } = scene;
    const bridge = await addBridge('unheard', { options: ['--poll-interval=200ms', '--database-timeout=1s'] });
    const stopped = await backends('unheard');
    for (const { pid } of stopped) await postgres.pause(pid);
    const start = Date.now();
    await until('the reader gives up', () => /event=database_lost connection=reader reason="no answer in time"/.test(bridge.log));
    t.diagnostic(`noticed after ${Date.now() - start} ms`);
    await bridge.ready();
    for (const { pid } of stopped) await postgres.proceed(pid);
  });

  test('repeats a query that the server cancels after its timeout', { timeout: 180000 }, async () => {
    const bridge = await addBridge('locked_out', { options: ['--poll-interval=200ms', '--database-timeout=500ms', '--ready-lag=1s'] });
    const { length } = await backends('locked_out');
    const locker = await scene.database.connect();
    await locker.query('BEGIN; LOCK TABLE herald.event IN ACCESS EXCLUSIVE MODE');
    await until('a read fails', () => /event=read_failed reason=".*statement timeout/.test(bridge.log));
    await until('not ready', () => unready(bridge));
    assert.equal((await backends('locked_out')).length, length, 'no backend is left waiting');
    await locker.end();
    await bridge.ready();
  });
});
