// The default limits: a lively chat meets none of them. The abuser of a limit is told so, closed, logged and counted.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { EngineClient } from './harness/engine_client.mjs';
import { RawHttp } from './harness/raw_http.mjs';
import { Scene } from './harness/scene.mjs';
import { soon, until } from './harness/wait.mjs';

const scene = await Scene.open();
after(() => scene.close());
afterEach(() => scene.closeClients());

const { database } = scene;

// --- a lively chat

const CHAT = 30000;        // its duration in milliseconds
const USERS = 20;

// The tabs of a user: each kind of client occurs, and one user in four has three tabs.
const tabs = {
  upgrading: (user, bridge) => scene.socketIo(user, { bridge, transports: ['polling', 'websocket'] }),
  polling: (user, bridge) => scene.socketIo(user, { bridge, transports: ['polling'] }),
  websocket: (user, bridge) => scene.socketIo(user, { bridge }),
  plain: (user, bridge) => scene.plain(user, { bridge, resume: true }),
};
const tabsOf = (n) => [['upgrading'], ['polling', 'plain'], ['websocket', 'polling'], ['websocket', 'plain', 'upgrading']][n % 4];

class Chatter {
  answers = [];
  sent = 0;

  constructor(user, bridge, conversation, kinds, posts) {
    Object.assign(this, { user, bridge, conversation, kinds, posts });
  }

  async open() {
    this.tabs = await Promise.all(this.kinds.map((kind) => tabs[kind](this.user, this.bridge)));
    return this;
  }

  async ask(tab, action, data) {
    const answer = await tab.ask(action, data);
    this.answers.push(answer.ok ? 'ok' : answer.error.code);
  }

  // Types a text, in a page that tells of each key; sends it.
  async write(tab, keys, pace) {
    const told = [];
    for (let key = 0; key < keys; key++) {
      told.push(this.ask(tab, 'typing:start', { conversationId: this.conversation }));
      await pause(pace);
    }
    await Promise.all([...told, this.ask(tab, 'typing:stop', { conversationId: this.conversation })]);
    await this.ask(tab, 'message:send', { conversationId: this.conversation, content: `${this.user} says ${++this.sent}` });
  }

  // Opens a page with posts, joins all their rooms at once, and looks at the inbox.
  async browse(tab) {
    await Promise.all(this.posts.map((post) => this.ask(tab, 'room:join', { room: `post:${post}` })));
    await this.ask(tab, 'inbox:list', {});
    await Promise.all(this.posts.map((post) => this.ask(tab, 'room:leave', { room: `post:${post}` })));
  }

  // Loses its network for a moment, or loads its page again.
  async comeBack(n) {
    const at = n % this.tabs.length;
    const tab = this.tabs[at];
    if (n % 2) {
      tab.close();
      this.tabs[at] = await tabs[this.kinds[at]](this.user, this.bridge);
    } else if (tab.cut) {
      const before = tab.connects.length;
      tab.cut();
      await until('the tab is back', () => tab.connects.length > before && tab.socket.connected);
    } else {
      const before = tab.welcomes.length;
      tab.socket.terminate();
      await until('the tab is back', () => tab.welcomes.length > before);
    }
  }

  async chat(number, end) {
    for (let n = number; Date.now() < end; n++) {
      const tab = this.tabs[n % this.tabs.length];
      if (n % 3 === 0) await this.browse(tab);
      await this.ask(tab, 'presence:set', { status: n % 2 ? 'away' : 'online' });
      await this.write(tab, 12, 110);
      if (n % 3 === 1) await this.comeBack(n);
      await pause(400);
    }
  }
}

test('a lively chat of twenty users with several tabs meets no limit', { timeout: 180000 }, async () => {
  const bridge = await scene.addLimitedBridge();
  const users = await scene.people(...Array.from({ length: USERS }, (_, n) => `User${n}`));
  const conversation = await scene.conversation(...users);
  const posts = await Promise.all(users.map((user) => scene.post(user)));
  const chatters = await Promise.all(users.map((user, n) => new Chatter(user, bridge, conversation, tabsOf(n), posts).open()));
  const end = Date.now() + CHAT;
  // The fastest of all types eight keys a second, all the time.
  const fastest = (async () => {
    const [tab] = chatters[2].tabs;
    while (Date.now() < end) await chatters[2].write(tab, 80, 125);
  })();
  await Promise.all([fastest, ...chatters.filter((_, n) => n !== 2).map((chatter, n) => chatter.chat(n, end))]);

  for (const { user, answers, tabs: clients } of chatters) {
    assert.deepEqual(answers.filter((answer) => answer !== 'ok'), [], `user ${user}`);
    for (const client of clients) assert.deepEqual(client.all('error'), [], `user ${user}`);
  }
  assert.equal(await bridge.metric('herald_limited_total'), 0, bridge.log.match(/event=limited .*/g)?.join('\n'));
  const sent = chatters.reduce((sum, chatter) => sum + chatter.sent, 0);
  assert.ok(sent > 2 * USERS, `${sent} messages`);
  assert.equal(await database.value('SELECT count(*)::int FROM messages WHERE conversation_id = $1', [conversation]), sent);
  const last = await scene.message(conversation, users[0], 'Good night');
  for (const { tabs: clients } of chatters) for (const client of clients) await client.waitFor('message:created', ({ messageId }) => messageId === last);
});

// --- one abuser for each limit

const lines = (bridge, reason, by) => bridge.log.split('\n').filter((line) => line.includes(`event=limited reason=${reason} by=${by} `));

// Checks that the offender has one line in the log, and that refusals count by their reason.
async function isLogged(bridge, reason, by, who) {
  await until('the log has the offender', () => lines(bridge, reason, by).length > 0);
  assert.equal(lines(bridge, reason, by).length, 1);
  assert.match(lines(bridge, reason, by)[0], who);
  const [own, all] = [await bridge.metric(`herald_limited_total{reason="${reason}"}`), await bridge.metric('herald_limited_total')];
  assert.ok(own > 0 && 2 * own > all, `${own} refusals of ${all}: this limit is met first`);
}

const isRefusal = ({ code, message, retryAfter }, most) => {
  assert.equal(code, 'too_many');
  assert.match(message, /^too many of these; try again in \d+ s$/);
  assert.ok(retryAfter > 0 && retryAfter <= most, `${retryAfter} ms`);
};

const OUTSTANDING = 20;

// Asks with so many questions outstanding, until the session is closed. Returns the number of answers that were no refusals, and the
// refusals.
async function flood(client, ask) {
  let permitted = 0;
  let closed = false;
  const refusals = [];
  const end = client.closed ?? new Promise((resolve) => client.socket.once('disconnect', resolve));
  end.then(() => { closed = true; });
  const note = ({ error }) => { error?.code === 'too_many' ? refusals.push(error) : permitted++; };
  const go = async () => {
    while (!closed) await Promise.race([ask().then(note, () => {}), end]);
  };
  await Promise.all(Array.from({ length: OUTSTANDING }, go));
  await pause(0);        // the last answers came together with the end
  return { permitted, refusals };
}

const abuses = {
  actions: { burst: 200, most: 1000, ask: (client) => client.ask('no:such:action') },
  joins: { burst: 1000, most: 1000, ask: (client) => client.ask('room:join', { room: '' }) },
  signals: { burst: 100, most: 1000, ask: (client, conversation) => client.ask('typing:start', { conversationId: conversation }) },
};

for (const [reason, { burst, most, ask }] of Object.entries(abuses)) {
  for (const protocol of ['plain', 'socketIo']) {
    test(`${protocol}: a flood of ${reason} is answered too_many with the time to wait, and then closed`, async () => {
      const bridge = await scene.addLimitedBridge();
      const [ann, ben] = await scene.people('Ann', 'Ben');
      const conversation = await scene.conversation(ann, ben);
      const client = await scene[protocol](ann, { bridge, reconnection: false });
      const other = await scene.plain(ben, { bridge });
      const began = Date.now();
      const { permitted, refusals } = await flood(client, () => ask(client, conversation));
      const seconds = (Date.now() - began) / 1000;
      // The answers that wait in the queue go with the connection: one for each question that is outstanding.
      assert.ok(permitted >= burst - OUTSTANDING && permitted <= burst + 20 * (seconds + 1), `${permitted} in ${seconds} s`);
      assert.ok(refusals.length > 0);
      for (const refusal of refusals) isRefusal(refusal, most);
      if (protocol === 'plain') assert.deepEqual(await client.closed, { code: 4429, reason: 'too_many' });
      isRefusal(client.all('error').at(-1).data, most);
      await isLogged(bridge, reason, 'session', new RegExp(`user=${ann} peer=127\\.0\\.0\\.1`));
      assert.equal((await other.ask('inbox:list')).ok, true);
    });
  }
}

test('a flood of messages is closed at once, with the time to wait', async () => {
  const bridge = await scene.addLimitedBridge();
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const other = await scene.plain(ben, { bridge });
  const client = await scene.plain(ann, { bridge });
  for (let n = 0; n < 3000; n++) client.send({ action: 'ping' });
  assert.deepEqual(await client.closed, { code: 4429, reason: 'too_many' });
  isRefusal(client.all('error')[0].data, 60000);
  await isLogged(bridge, 'messages', 'session', new RegExp(`user=${ann} peer=127\\.0\\.0\\.1`));
  assert.equal((await other.ask('ping')).ok, true);
});

test('refuses a user that begins sessions in a loop, with the time to wait', async () => {
  const bridge = await scene.addLimitedBridge();
  const [ann, ben] = await scene.people('Ann', 'Ben');
  let begun = 0;
  let refusal;
  while (!refusal) {
    await scene.socketIo(ann, { bridge, reconnection: false }).then((client) => { begun++; client.close(); }, ({ message, data }) => { refusal = { message, ...data }; });
  }
  assert.ok(begun >= 100 && begun < 200, `${begun} sessions`);
  isRefusal(refusal, 1000);
  await isLogged(bridge, 'connects', 'user', new RegExp(`user=${ann} peer=127\\.0\\.0\\.1`));
  await scene.plain(ben, { bridge });
});

test('a connection that guesses tokens is closed, with the time to wait', async () => {
  const bridge = await scene.addLimitedBridge();
  const socket = new EngineClient(bridge).websocket();
  await socket.say(...Array(10).fill('40{"token":"guess"}'));
  assert.equal(await soon('it is closed', socket.closed), 4429);
  const errors = socket.heard.filter((text) => text.startsWith('44')).map((text) => JSON.parse(text.slice(2)));
  assert.deepEqual(errors.slice(0, 5).map(({ data }) => data.code), Array(5).fill('token_invalid'));
  assert.equal(errors.length, 6);
  assert.ok(errors[5].data.retryAfter > 0 && errors[5].data.retryAfter <= 10001, JSON.stringify(errors[5]));
  await isLogged(bridge, 'failed_tokens', 'session', /peer=127\.0\.0\.1/);
});

test('a connection without a session is closed after fifty messages', async () => {
  const bridge = await scene.addLimitedBridge();
  const socket = new EngineClient(bridge).websocket();
  await socket.say(...Array(70).fill('3'));
  assert.equal(await soon('it is closed', socket.closed), 4429);
  await isLogged(bridge, 'anonymous', 'session', /peer=127\.0\.0\.1/);
});

test('an address that makes requests in a loop is refused before they are read, and others are not', { timeout: 180000 }, async () => {
  const bridge = await scene.addLimitedBridge();
  const [ann] = await scene.people('Ann');
  const ask = async (localAddress) => {
    const client = new RawHttp(bridge.port, { localAddress });
    client.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    return client.response().then(({ status }) => status, () => 'closed').finally(() => client.close());
  };
  let answered = 0;
  let refused = 0;
  await Promise.all(Array.from({ length: 30 }, async () => {
    while (refused === 0) (await ask('127.0.0.2')) === 200 ? answered++ : refused++;
  }));
  assert.ok(answered >= 5000, `${answered} requests`);
  await isLogged(bridge, 'sockets', 'address', /peer=127\.0\.0\.2/);
  assert.equal(await ask('127.0.0.3'), 200);
  await scene.plain(ann, { bridge });
  await until('the address is admitted again', async () => await ask('127.0.0.2') === 200, 10000);
});
