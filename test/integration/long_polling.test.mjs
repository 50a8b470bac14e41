// A client that polls for a long time, mostly in silence, is recovered: it misses nothing and receives nothing twice.
// HERALD_POLLING_SECONDS sets the approximate time; the default is some seconds with as many pings.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Scene } from './harness/scene.mjs';
import { until } from './harness/wait.mjs';

const PINGS = 72;
const seconds = Number(process.env.HERALD_POLLING_SECONDS ?? 5);
const scene = await Scene.open({ options: [`--ping-interval=${Math.round(seconds / PINGS * 1000)}ms`] });
after(() => scene.close());

const { bridge } = scene;

test(`recovers a polling client after ${PINGS} pings`, async () => {
  const [ann, ben, cat, dan] = await scene.people('Ann', 'Ben', 'Cat', 'Dan');
  const [conversation, elsewhere] = [await scene.conversation(ann, ben), await scene.conversation(cat, dan)];
  const client = await scene.socketIo(ann, { transports: ['polling'] });
  const sent = [];
  let pings = 0;
  client.socket.io.on('ping', () => { pings++; });

  // Calls act() once during each of this many pings.
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
  for (const [cause, happen] of Object.entries(breaks)) {
    const before = client.connects.length;
    await during(8, say);
    await during(7, async () => {});
    await during(7, () => scene.message(elsewhere, cat, 'Nothing for Ann'));
    await until('the client has everything', () => heard().length === sent.length);
    assert.equal(client.socket.io.engine.transport.name, 'polling');
    assert.equal(client.connects.length, before, 'it has not reconnected until then');
    const { length } = client.events;
    await during(2, async () => {});
    assert.equal(client.events.length, length, 'the last packets were only pings');
    await happen();
    await until(`the client has reconnected after ${cause}`, () => client.connects.length > before);
    await say();
    await until('the client has the missed messages', () => heard().length >= sent.length);
    await scene.settle(client);
    assert.deepEqual(heard(), sent, cause);
  }
  assert.ok(pings >= PINGS, `${pings} pings`);
  assert.deepEqual(client.connects, [false, true, true, true]);
});
