// A client that polls for a long while, mostly in silence, comes back to everything that it missed, and to nothing twice.
// HERALD_POLLING_SECONDS: how long that is about; without it some seconds, with as many pings.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Scene } from './harness/scene.mjs';
import { until } from './harness/wait.mjs';

const PINGS = 72;
const seconds = Number(process.env.HERALD_POLLING_SECONDS ?? 5);
const scene = await Scene.open({ options: [`--ping-interval=${Math.round(seconds / PINGS * 1000)}ms`] });
after(() => scene.close());

const { bridge } = scene;

test(`recovery after ${PINGS} pings by polling`, async () => {
  const [ann, ben, cat, dan] = await scene.people('Ann', 'Ben', 'Cat', 'Dan');
  const [conversation, elsewhere] = [await scene.conversation(ann, ben), await scene.conversation(cat, dan)];
  const client = await scene.socketIo(ann, { transports: ['polling'] });
  const sent = [];
  let pings = 0;
  client.socket.io.on('ping', () => { pings++; });

  // What happens with each of so many pings.
  async function during(count, act) {
    for (const end = pings + count; pings < end;) {
      const before = pings;
      await act();
      await until('the next ping comes', () => pings > before, 1000 * seconds);
    }
  }
  const say = async () => { sent.push(await scene.message(conversation, ben, `Message ${sent.length}`)); };
  const heard = () => client.all('message:created').map(({ data }) => data.messageId);

  const breaks = {
    'the network is lost': async () => { client.cut(); await say(); },
    'the bridge is restarted': async () => { await bridge.stop(); await say(); await bridge.start(); },
    'the bridge is killed': async () => { await bridge.kill(); await bridge.start(); await say(); },
  };
  for (const [what, happen] of Object.entries(breaks)) {
    const before = client.connects.length;
    await during(8, say);
    await during(7, async () => {});
    await during(7, () => scene.message(elsewhere, cat, 'Nothing for Ann'));
    await until('all is heard', () => heard().length === sent.length);
    assert.equal(client.socket.io.engine.transport.name, 'polling');
    assert.equal(client.connects.length, before, 'one connection until then');
    const { length } = client.events;
    await during(2, async () => {});
    assert.equal(client.events.length, length, 'the last packets were pings alone');
    await happen();
    await until(`it is back after ${what}`, () => client.connects.length > before);
    await say();
    await until('what was missed has come', () => heard().length >= sent.length);
    await scene.settle(client);
    assert.deepEqual(heard(), sent, what);
  }
  assert.ok(pings >= PINGS, `${pings} pings`);
  assert.deepEqual(client.connects, [false, true, true, true]);
});
