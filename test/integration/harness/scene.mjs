// scene.mjs: the example application with its database, a bridge, users, and their clients.

import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { Bridge } from './bridge.mjs';
import { EventSourceClient } from './event_source_client.mjs';
import { PlainClient } from './plain_client.mjs';
import { Postgres, root } from './postgres.mjs';
import { SocketIoClient } from './socketio_client.mjs';
import { sign } from './token.mjs';
import { until } from './wait.mjs';

// Makes a bridge notice soon when nothing arrives any more from a server behind a network.
const IMPATIENT = 'tcp_user_timeout=500 keepalives_idle=1 keepalives_interval=1';

const example = path.join(root, 'examples/social');

export class Scene {
  secret = randomBytes(32).toString('hex');
  #bridges = [];
  #clients = [];
  #marks = 0;
  #people = 0;
  #network;

  // preload: run the worker. seed: load the demo's users. standby: add a streaming standby. options: of the bridge. network: bridges
  // connect by TCP, so that a test can cut the network. disks: small disks of the servers. program: run another bridge.
  // encoding: of the database. bin: the programs of another server.
  static async open({ preload = true, seed = false, standby = false, network = false, disks, encoding, settings = [], options = [], program, bin } = {}) {
    const scene = new Scene();
    scene.#network = network;
    const listen = network ? ['listen_addresses=127.0.0.1'] : [];
    scene.postgres = await Postgres.create({ preload: preload ? ['social'] : [], settings: [...listen, ...settings], disks, bin });
    scene.database = await scene.postgres.createDatabase('social',
      encoding && `ENCODING '${encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`);
    await scene.#load(scene.database, seed);
    if (preload) await until('the worker serves', () => scene.database.value('SELECT herald.preloaded()'));
    if (standby) {
      scene.standby = await scene.postgres.standby();
      await scene.#standbyStreams();
    }
    scene.bridge = await scene.addBridge(options, scene.conninfo, program);
    return scene;
  }

  #standbyStreams() {
    return until('the standby streams', () => this.database.value("SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'"));
  }

  // Makes commits wait for the standby from now on.
  async replicateSynchronously() {
    await this.database.query("ALTER SYSTEM SET synchronous_standby_names = '*'");
    await this.database.query('SELECT pg_reload_conf()');
    await until('commits wait', () => this.database.value("SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'"));
  }

  // Promotes the standby. The application uses it from now on, and the old primary becomes this.standby.
  async failOver() {
    await this.standby.promote();
    [this.postgres, this.standby] = [this.standby, this.postgres];
    this.database = this.postgres.database('social');
  }

  // Makes the dead old primary a standby of the new one.
  async replaceStandby() {
    await this.standby.follow(this.postgres);
    await this.#standbyStreams();
  }

  // The bridge's connection string, with the server and its standby as hosts.
  get conninfo() {
    const servers = [this.postgres, this.standby].filter(Boolean);
    const hosts = servers.map(({ directory }) => (this.#network ? '127.0.0.1' : directory));
    return `host=${hosts} port=${servers.map(({ port }) => port)} user=bridge dbname=${this.database.name}${this.#network ? ` ${IMPATIENT}` : ''}`;
  }

  #load(database, seed) {
    const files = ['schema', 'watch', 'actions', ...(seed ? ['seed'] : [])];
    return database.psql('-c', 'SET client_min_messages = warning', '-c', 'CREATE EXTENSION pg_herald',
      '-c', 'CREATE ROLE bridge LOGIN IN ROLE herald_bridge',
      ...files.flatMap((name) => ['-f', path.join(example, `${name}.sql`)]));
  }

  async addBridge(options = [], conninfo = this.conninfo, program = undefined, canRead = true) {
    const bridge = await Bridge.start({ conninfo, secret: this.secret, options, program, canRead });
    this.#bridges.push(bridge);
    return bridge;
  }

  // Adds a bridge with the default limits, which others are without.
  async addLimitedBridge(options = []) {
    const bridge = await Bridge.start({ conninfo: this.conninfo, secret: this.secret, options, limited: true });
    this.#bridges.push(bridge);
    return bridge;
  }

  token(userId, options) { return sign(this.secret, userId, options); }

  // Creates users with these names and returns their ids.
  async people(...names) {
    const ids = [];
    for (const name of names) {
      const username = `${name.toLowerCase()}${++this.#people}`;
      ids.push(await this.database.value('INSERT INTO users (username, display_name) VALUES ($1, $2) RETURNING id', [username, name]));
    }
    return ids;
  }

  // Creates a post and returns its id.
  post(author, content = 'A post') {
    return this.database.value('INSERT INTO posts (user_id, content) VALUES ($1, $2) RETURNING id', [author, content]);
  }

  // Creates a conversation with these members and returns its id.
  async conversation(...members) {
    const id = await this.database.value('INSERT INTO conversations DEFAULT VALUES RETURNING id');
    await this.database.query('INSERT INTO conversation_members (conversation_id, user_id) SELECT $1, unnest($2::bigint[])', [id, members]);
    return id;
  }

  message(conversation, sender, content) {
    return this.database.value('INSERT INTO messages (conversation_id, sender_id, content) VALUES ($1, $2, $3) RETURNING id',
      [conversation, sender, content]);
  }

  async #client(Kind, userId, { bridge = this.bridge, ...options } = {}) {
    const client = await Kind.connect(bridge, this.token(userId), options);
    client.label = `${client.label}, user ${userId}`;
    this.#clients.push(client);
    return client;
  }

  plain(userId, options) { return this.#client(PlainClient, userId, options); }
  eventSource(userId, options) { return this.#client(EventSourceClient, userId, options); }
  socketIo(userId, options) { return this.#client(SocketIoClient, userId, options); }

  // Connects a plain and a socket.io client of a user.
  both(userId, options) { return Promise.all([this.plain(userId, options), this.socketIo(userId, options)]); }

  // Waits until every client has received everything committed so far: a broadcast comes after it in the log.
  async settle(...clients) {
    const number = ++this.#marks;
    await this.database.query('SELECT herald.broadcast($1, $2)', ['test:mark', { number }]);
    await Promise.all(clients.map((client) => client.waitFor('test:mark', (data) => data.number === number)));
  }

  // Waits until clients in a room hear signals: one that is still reading what it has missed hears none.
  async live(room, ...clients) {
    await until('all hear signals', async () => {
      await this.database.query("SELECT herald.signal(ARRAY[$1], 'test:probe')", [room]);
      return clients.every((client) => client.all('test:probe').length > 0);
    });
  }

  closeClients() {
    for (const client of this.#clients.splice(0)) client.close();
  }

  // Ends everything. Fails if a bridge has ended before, or does not end well.
  async close() {
    this.closeClients();
    const outcomes = await Promise.all(this.#bridges.map((bridge) => bridge.stop()));
    await Promise.all([this.postgres.destroy(), this.standby?.destroy()]);
    const bad = outcomes.findIndex(({ code }) => code !== 0);
    if (bad >= 0) throw new Error(`a bridge ended with ${JSON.stringify(outcomes[bad])}:\n${this.#bridges[bad].log.slice(-4000)}`);
  }
}
