// The network between a bridge and its clients drops all packets. Both sides notice by their pings. Event streams have none:
// only the bridge notices.

import { refused } from './own_machine.mjs';
import { after, test } from 'node:test';
import { soon, until } from '../integration/harness/wait.mjs';
import { cut, established, mend } from './loss.mjs';
import * as cutClients from './nemesis/cut_clients.mjs';
import { seed, trial } from './trial.mjs';
import { World } from './world.mjs';

const options = ['--ping-interval=400ms', '--ping-timeout=400ms'];
const world = refused ? null : await World.open({ seed, clients: 8, options });
after(() => world?.close());

trial(world, cutClients, { skip: refused });

test('closes an event stream that it gave up once the network is back', { skip: refused }, async () => {
  const { scene } = world;
  const bridge = await scene.addBridge(options);
  const [ann] = await scene.people('Ann');
  const stream = await scene.eventSource(ann, { bridge });
  const { localPort } = stream.request.socket;
  cut(localPort);
  await scene.database.query("SELECT herald.publish($1, 'unheard', '{}')", [`user:${ann}`]);
  await until('the bridge has given up the session', async () => await bridge.metric('herald_sessions') === 0);
  mend(localPort);
  await soon('the client sees the connection close', stream.closed);
});

test('a client that loses its poll reconnects and receives the events that it missed', { skip: refused }, async () => {
  const { scene } = world;
  const bridge = await scene.addBridge(options);
  const [ann] = await scene.people('Ann');
  const client = await scene.socketIo(ann, { bridge, transports: ['polling'] });
  await until('the client has lost its poll', () => {
    cut(...established('dport', bridge.port));
    return !client.socket.connected;
  });
  await scene.database.query("SELECT herald.publish($1, 'missed', '{}')", [`user:${ann}`]);
  await client.waitFor('missed');
});
