// tls.mjs: the price of TLS: the processor time of a delivery, and the memory of an idle session.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../../test/integration/harness/bridge.mjs';
import { certify } from '../../test/integration/harness/certificate.mjs';
import { atExit } from '../../test/integration/harness/cleanup.mjs';
import { PlainClient } from '../../test/integration/harness/plain_client.mjs';
import { until } from '../../test/integration/harness/wait.mjs';
import { cpuOf, memoryOf } from '../lib/processes.mjs';
import { Stage, tokens } from '../peers/stage.mjs';

export const title = 'TLS: its price for a delivery and for an idle session';
export const method = `A bridge, new for each measurement, has a port with TLS 1.3 and one without. The clients are plain WebSockets of Node.js, in one room, which gets
events of 200 bytes, 50 a second. *CPU* is the bridge's, without PostgreSQL's, divided by the deliveries. *Memory* is its
growth while more sessions arrive, ten at a time, divided by them, without the kernel's buffers.`;

const AT_ONCE = 10, RATE = 50;

// Keeps numbers only. The certificate signs itself.
class Member extends PlainClient {
  numbers = [];
  record(event, data) { if (event === 'bench') this.numbers.push(data.n); }
}

async function arrive(bridge, credentials) {
  const members = [];
  for (let n = 0; n < credentials.length; n += AT_ONCE) {
    members.push(...await Promise.all(credentials.slice(n, n + AT_ONCE).map((token) => Member.connect(bridge, token))));
  }
  return members;
}

export async function run(bench) {
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  bench.measure('CPU per delivery', 'µs', { relativeTo: 'without TLS' });
  bench.measure('memory of an idle session', 'KiB', { relativeTo: 'without TLS' });
  const directory = mkdtempSync(path.join(tmpdir(), 'herald-tls-'));
  atExit(() => rmSync(directory, { recursive: true, force: true }));
  const [certificate, key] = [path.join(directory, 'certificate'), path.join(directory, 'key')];
  certify(certificate, key, { host: '127.0.0.1' });
  const plainPort = await freePort();
  const stage = await Stage.open([], { options: [`--tls-cert=${certificate}`, `--tls-key=${key}`, `--plain-listen=127.0.0.1:${plainPort}`] });
  const { bridge, watched } = stage;
  const members = bench.size(200, 100), events = bench.size(500, 100), sessions = bench.size(1000, 200);
  const all = async (count) => until(`the bridge has ${count} sessions`, async () => await bridge.metric('herald_sessions') === count);

  await bench.inTurn([{ name: 'without TLS', url: `http://127.0.0.1:${plainPort}` }, { name: 'TLS 1.3', url: bridge.url }], async (contender) => {
    await bridge.end('SIGTERM');    // a new process: memory that sessions have left is used again
    await bridge.start();
    const clients = await arrive(contender, tokens(members));
    for (const client of clients) if (!(await client.ask('room:join', { room: 'post:1' })).ok) bench.fault('a join was refused');

    const empty = memoryOf(bridge.pid);
    const idle = await arrive(contender, tokens(sessions));
    bench.add('memory of an idle session', contender.name, (memoryOf(bridge.pid) - empty) / sessions / 1024);
    for (const client of idle) client.close();
    await all(members);

    const before = cpuOf(bridge.pid), start = Date.now();
    for (let n = 1; n <= events; n++) {
      await until('the next event is due', () => Date.now() - start >= n / RATE * 1000);
      await watched.query(`SELECT herald.publish('post:1', 'bench', jsonb_build_object('n', $1::int, 'x', repeat('x', 200)))`, [n]);
    }
    await until('all have all events', () => clients.every(({ numbers }) => numbers.length >= events));
    bench.add('CPU per delivery', contender.name, (cpuOf(bridge.pid) - before) / events / members * 1000);
    if (!clients.every(({ numbers }) => numbers.every((n, index) => n === index + 1))) bench.fault('a client has not each event once and in order');
    for (const client of clients) client.close();
    await all(0);
  });
  await stage.close();
}
