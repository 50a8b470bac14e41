// signals.mjs: measures ephemeral events: from client to client, ten thousand a second, and their WAL.
//
// One client types, another member of the conversation hears it. Then four
// connections send signals, ten in a transaction, and one client receives all
// of them. The extension is preloaded; one bridge runs.

import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { Scene } from '../test/integration/harness/scene.mjs';

const TYPED = Number(process.argv[2] ?? 1000);
const RATE = Number(process.argv[3] ?? 10000);
const SECONDS = 5;
const WRITERS = 4;
const TOGETHER = 10;
const WARM_UP = 100;

const scene = await Scene.open();
const { database } = scene;
const [ann, ben] = await scene.people('Ann', 'Ben');
const conversation = await scene.conversation(ann, ben);
const [typing, hearing] = [await scene.plain(ann), await scene.plain(ben)];

const percentile = (values, share) => [...values].sort((a, b) => a - b)[Math.floor(share * values.length)].toFixed(2);
const row = (label, ...values) => console.log(label.padEnd(44), ...values.map((value) => String(value).padStart(9)));

// Typing, from the call at one client until it is received at the other.
const delays = [];
let heard;
const listen = (message) => { if (String(message).includes('"typing:')) heard(performance.now()); };
hearing.socket.on('message', listen);
for (let n = -WARM_UP; n < TYPED; n++) {
  const arrival = new Promise((resolve) => { heard = resolve; });
  const called = performance.now();
  typing.socket.send(JSON.stringify({ id: n + WARM_UP, action: n % 2 ? 'typing:start' : 'typing:stop', data: { conversationId: String(conversation) } }));
  const delay = await arrival - called;
  if (n >= 0) delays.push(delay);
  await pause(10); // keeps below the limit of actions a second
}
hearing.socket.off('message', listen);

// Many signals.
const writers = await Promise.all(Array.from({ length: WRITERS }, () => database.connect()));
const walBytes = () => database.value("SELECT pg_current_wal_insert_lsn() - '0/0'").then(Number);
let received = 0;
hearing.socket.on('message', (message) => { if (String(message).includes('"tick"')) received++; });
async function run(sql) {
  const begun = performance.now();
  let sent = 0;
  await Promise.all(writers.map(async (writer) => {
    while (performance.now() - begun < SECONDS * 1000) {
      const due = (performance.now() - begun) * RATE / 1000;
      if (sent >= due) await pause(1);
      else {
        sent += TOGETHER;
        await writer.query(sql);
      }
    }
  }));
  return { sent, seconds: (performance.now() - begun) / 1000 };
}
const before = [await walBytes(), scene.bridge.processorTime()];
const { sent, seconds } = await run(`SELECT herald.signal(ARRAY['user:${ben}'], 'tick', '{"line": 17}') FROM generate_series(1, ${TOGETHER})`);
while (received < sent) await pause(10);
const after = [await walBytes(), scene.bridge.processorTime()];
const bare = await run('SELECT pg_current_xact_id()');
const bareBytes = await walBytes() - after[0];

console.log(' '.repeat(44), '   median       p99');
row('typing, call until received, ms', percentile(delays, 0.5), percentile(delays, 0.99));
row('signals sent and received a second', Math.round(sent / seconds), Math.round(received / seconds));
row('CPU of the bridge meanwhile', `${Math.round((after[1] - before[1]) / seconds / 10)} %`);
row('WAL a transaction of ten signals, bytes', Math.round((after[0] - before[0]) / (sent / TOGETHER)));
row('WAL a transaction without signals, bytes', Math.round(bareBytes / (bare.sent / TOGETHER)));
await Promise.all(writers.map((writer) => writer.end()));
await scene.close();
