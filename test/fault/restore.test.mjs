// Another database comes to stand behind the bridge's connection string: whoever comes with a position of the one before is
// told, the bridge goes on without a restart, and new events arrive. A restore is one transaction: a session that comes in its
// middle would get the rooms of half a database.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { Postgres, root } from '../integration/harness/postgres.mjs';
import { Scene } from '../integration/harness/scene.mjs';
import { until } from '../integration/harness/wait.mjs';
import { heard, line, recovered, returns } from './audience.mjs';

// Two who listen, one who is away, and what is said to them.
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

  // Says something several times; returns the ids.
  async say(what, times = 20) {
    const ids = [];
    while (ids.length < times) ids.push(await this.scene.message(this.conversation, this.ben, what));
    return ids;
  }

  // Somebody who has heard something and goes.
  async leaves() {
    const client = await this.scene.plain(this.ann);
    await this.say('Heard', 5);
    await this.scene.settle(client);
    client.close();
    return client;
  }

  returns({ position }) { return this.scene.plain(this.ann, { position }); }

  // Everybody has been told and gets what is new.
  async goesOn(t, fault, ...others) {
    const clients = [...this.present, ...others];
    await until('all have come back', () => this.present.every((client) => returns(client) > 0));
    const fresh = await this.say('Fresh');
    await this.scene.settle(...clients);
    for (const client of clients) {
      assert.equal(recovered(client), false, `${client.label} is told`);
      assert.deepEqual(heard(client).slice(-fresh.length), fresh, 'new events arrive');
    }
    t.diagnostic(line(fault, fresh, clients));
  }
}

const tool = ({ bin, directory, port }, name, ...options) => execFileSync(path.join(bin, name),
  ['-h', directory, '-p', port, '-U', 'postgres', ...options], { stdio: ['ignore', 'pipe', 'pipe'] });

// Writes a dump of the scene's database; returns its file.
function dump({ postgres }) {
  const file = path.join(postgres.directory, 'social.dump');
  tool(postgres, 'pg_dump', '-Fc', '-f', file, 'social');
  return file;
}

test('dropped and restored under its name in the same cluster', { timeout: 60000 }, async (t) => {
  const talk = await Talk.open();
  const { scene } = talk;
  t.after(() => scene.close());
  const file = dump(scene);
  const administration = scene.postgres.database('postgres');
  await administration.query('DROP DATABASE social WITH (FORCE)');
  scene.database = await scene.postgres.createDatabase('social');
  tool(scene.postgres, 'pg_restore', '--single-transaction', '-d', 'social', file);
  await scene.bridge.ready();
  await talk.goesOn(t, 'dropped and restored', await talk.returns(talk.away));
});

test('restored into another cluster', { timeout: 60000 }, async (t) => {
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
  await talk.goesOn(t, 'restored into another cluster', await talk.returns(talk.away));
});

test('the extension is dropped and created again', { timeout: 60000 }, async (t) => {
  const talk = await Talk.open();
  const { scene } = talk;
  t.after(() => scene.close());
  await scene.database.psql('-1', '-c', 'SET client_min_messages = warning', '-c', 'DROP EXTENSION pg_herald CASCADE', '-c', 'CREATE EXTENSION pg_herald',
    '-f', path.join(root, 'examples/social/watch.sql'));
  await talk.goesOn(t, 'the extension created again', await talk.returns(talk.away));
});

for (const recovery of ['', 'recovery.signal']) {
  const how = recovery ? 'on a timeline of its own' : 'as it was';
  test(`an older physical copy of the same run is started ${how}`, { timeout: 60000 }, async (t) => {
    const talk = await Talk.open({ settings: ['restore_command=false'] });
    const { scene } = talk;
    t.after(() => scene.close());
    const inside = (command) => execFileSync('sh', ['-c', command], { cwd: scene.postgres.directory });
    tool(scene.postgres, 'pg_basebackup', '--checkpoint=fast', '--no-sync', '-D', path.join(scene.postgres.directory, 'older'));
    inside(`touch older/${recovery}; chown -R --reference=data older`);
    await talk.say('Lost');
    const late = await talk.leaves();
    await scene.settle(...talk.present);
    for (const client of talk.present) client.forgetEvents(); // ids that are lost come again
    await scene.postgres.crash();
    inside('mv data newer && mv older data');
    await scene.postgres.start();
    await scene.bridge.ready();
    const known = await talk.returns(talk.away);
    assert.equal(recovered(known), true, 'the copy has all that this one has seen');
    await talk.goesOn(t, `an older copy ${how}`, await talk.returns(late));
  });
}
