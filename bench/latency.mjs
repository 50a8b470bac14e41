// latency.mjs: measures the time from a single INSERT until clients receive its event.
//
// One connection inserts a message, waits until a plain client and a
// socket.io-client have received it, and inserts the next one. Each message is
// one transaction with fsync on. The extension is preloaded; one bridge runs.

import { performance } from 'node:perf_hooks';
import { Scene } from '../test/integration/harness/scene.mjs';

const MESSAGES = Number(process.argv[2] ?? 1000);
const WARM_UP = 50;

const scene = await Scene.open();
const [ann, ben] = await scene.people('Ann', 'Ben');
const conversation = await scene.conversation(ann, ben);
const clients = { plain: await scene.plain(ann), 'socket.io': await scene.socketIo(ann) };
const writer = await scene.database.connect();

// Resolves with the time at which the client receives the message. Listens on the client library itself, not on the
// test harness's journal.
function arrival(protocol, client, content) {
  const { socket } = client;
  return new Promise((resolve) => {
    const listen = protocol === 'plain' ? 'message' : 'message:created';
    const check = (received) => {
      const data = protocol === 'plain' ? JSON.parse(received).data : received;
      if (data.content !== content || data.messageId === undefined) return;
      const now = performance.now();
      socket.off(listen, check);
      resolve(now);
    };
    socket.on(listen, check);
  });
}

function percentile(values, share) {
  const ascending = [...values].sort((a, b) => a - b);
  return ascending[Math.min(ascending.length - 1, Math.floor(share * ascending.length))].toFixed(2);
}

const sinceCall = { plain: [], 'socket.io': [] };
const sinceCommit = { plain: [], 'socket.io': [] };
const commits = [];

for (let n = -WARM_UP; n < MESSAGES; n++) {
  const content = `Message ${n}`;
  const arrivals = Object.entries(clients).map(([protocol, client]) => arrival(protocol, client, content));
  const called = performance.now();
  const committed = writer.query('INSERT INTO messages (conversation_id, sender_id, content) VALUES ($1, $2, $3)',
    [conversation, ben, content]).then(() => performance.now());
  const [commit, ...received] = await Promise.all([committed, ...arrivals]);
  if (n < 0) continue;
  commits.push(commit - called);
  Object.keys(clients).forEach((protocol, index) => {
    sinceCall[protocol].push(received[index] - called);
    sinceCommit[protocol].push(received[index] - commit);
  });
}

const row = (label, values) => console.log(`${label.padEnd(44)} ${percentile(values, 0.5).padStart(8)} ${percentile(values, 0.99).padStart(8)}`);
console.log(`${MESSAGES} single inserts, milliseconds`.padEnd(44), '  median      p99');
row('INSERT called until commit returned', commits);
for (const protocol of Object.keys(clients)) {
  row(`INSERT called until received, ${protocol}`, sinceCall[protocol]);
  row(`commit returned until received, ${protocol}`, sinceCommit[protocol]);
}
await writer.end();
await scene.close();
