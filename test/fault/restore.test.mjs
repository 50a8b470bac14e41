// Another database takes the place of the one behind the bridge's connection string. Clients with a position of the old database
// receive "recovered: false", the bridge goes on without a restart, and new events arrive. Each restore is one transaction: a
// session that connects in its middle would get the rooms of half a database.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { Postgres, root } from '../integration/harness/postgres.mjs';
import { Scene } from '../integration/harness/scene.mjs';
import { until } from '../integration/harness/wait.mjs';
import { heard, line, recovered, returns } from './audience.mjs';

// Two clients that listen, one that is away, and messages to them.
class Talk {
  static async open(options) {
    const talk = new Talk();
    talk.scene = await Scene.open(options);
    [talk.ann, talk.ben] = await talk.scene.people('Ann', 'Ben');
    talk.conversation = await talk.scene.conversation(talk.ann, talk.ben);
    await talk.listen();
    talk.away = await talk.leaves();
    return talk;
  }

  async listen() {
    this.present = [await this.scene.plain(this.ann, { resume: true }), await this.scene.socketIo(this.ann)];
  }

  // Sends messages and returns their ids.
  async say(content, times = 20) {
    const ids = [];
    while (ids.length < times) ids.push(await this.scene.message(this.conversation, this.ben, content));
    return ids;
  }

  // Returns a client that has received messages and disconnected.
  async leaves() {
    const client = await this.scene.plain(this.ann);
    await this.say('Heard', 5);
    await this.scene.settle(client);
    client.close();
    return client;
  }

  returns({ position }) { return this.scene.plain(this.ann, { position }); }

  // Checks that all clients receive recovered: false, and the new messages.
  async startsAnew(t, fault, ...others) {
    const clients = [...this.present, ...others];
    await until('all clients have reconnected', () => this.present.every((client) => returns(client) > 0));
    const fresh = await this.say('Fresh');
    await this.scene.settle(...clients);
    for (const client of clients) {
      assert.equal(recovered(client), false, `${client.label} is not recovered`);
      assert.deepEqual(heard(client).slice(-fresh.length), fresh, 'new events arrive');
    }
    t.diagnostic(line(fault, fresh, clients));
  }
}

const tool = ({ bin, directory, port }, name, ...options) => execFileSync(path.join(bin, name),
  ['-h', directory, '-p', port, '-U', 'postgres', ...options], { stdio: ['ignore', 'pipe', 'pipe'] });

// Writes a dump of the scene's database and returns its file.
function dump({ postgres }) {
  const file = path.join(postgres.directory, 'social.dump');
  tool(postgres, 'pg_dump', '-Fc', '-f', file, 'social');
  return file;
}

test('starts clients anew when its database is dropped and restored', { timeout: 180000 }, async (t) => {
  const talk = await Talk.open();
  const { scene } = talk;
  t.after(() => scene.close());
  const file = dump(scene);
  const administration = scene.postgres.database('postgres');
  await administration.query('DROP DATABASE social WITH (FORCE)');
  scene.database = await scene.postgres.createDatabase('social');
  tool(scene.postgres, 'pg_restore', '--single-transaction', '-d', 'social', file);
  await scene.bridge.ready();
  await talk.startsAnew(t, 'dropped and restored', await talk.returns(talk.away));
});

test('starts clients anew when the database is restored into another cluster', { timeout: 180000 }, async (t) => {
  const talk = await Talk.open();
  const { scene } = talk;
  t.after(() => scene.close());
  const file = dump(scene);
  scene.standby = await Postgres.create({ preload: ['social'] });
  scene.bridge = await scene.addBridge();
  await talk.listen();
  await scene.postgres.stop();
  scene.database = await scene.standby.createDatabase('social');
  await scene.database.query('CREATE ROLE bridge LOGIN; CREATE ROLE social_app');
  tool(scene.standby, 'pg_restore', '--single-transaction', '-d', 'social', file);
  await scene.database.query('GRANT herald_bridge TO bridge');
  await scene.bridge.ready();
  await talk.startsAnew(t, 'restored into another cluster', await talk.returns(talk.away));
});

test('starts clients anew when the extension is dropped and created again', { timeout: 180000 }, async (t) => {
  const talk = await Talk.open();
  const { scene } = talk;
  t.after(() => scene.close());
  await scene.database.psql('-1', '-c', 'SET client_min_messages = warning', '-c', 'DROP EXTENSION pg_herald CASCADE', '-c', 'CREATE EXTENSION pg_herald',
    '-f', path.join(root, 'examples/social/watch.sql'));
  await talk.startsAnew(t, 'the extension created again', await talk.returns(talk.away));
});

for (const recovery of ['', 'recovery.signal']) {
  const how = recovery ? 'on a new timeline' : 'on the same timeline';
  test(`recovers only positions that an older physical copy has, started ${how}`, { timeout: 180000 }, async (t) => {
    const talk = await Talk.open({ settings: ['restore_command=false'] });
    const { scene } = talk;
    t.after(() => scene.close());
    const inside = (command) => execFileSync('sh', ['-c', command], { cwd: scene.postgres.directory });
    tool(scene.postgres, 'pg_basebackup', '--checkpoint=fast', '--no-sync', '-D', path.join(scene.postgres.directory, 'older'));
    inside(`touch older/${recovery}; chown -R --reference=data older`);
    await talk.say('Lost');
    const late = await talk.leaves();
    await scene.settle(...talk.present);
    for (const client of talk.present) client.forgetEvents(); // the ids of lost messages are used again
    await scene.postgres.crash();
    inside('mv data newer && mv older data');
    await scene.postgres.start();
    await scene.bridge.ready();
    const known = await talk.returns(talk.away);
    assert.equal(recovered(known), true, 'the copy has everything that this client received');
    await talk.startsAnew(t, `an older copy ${how}`, await talk.returns(late));
  });
}
