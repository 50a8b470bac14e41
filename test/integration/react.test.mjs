// React front ends in a real browser, as applications write them for their own Socket.IO server: hooks, cleanup, badge,
// toast and chat.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, test } from 'node:test';
import { chromium } from './harness/chromium.mjs';
import { atExit } from './harness/cleanup.mjs';
import { root } from './harness/postgres.mjs';
import { Scene } from './harness/scene.mjs';
import { until } from './harness/wait.mjs';

// A folder with the pages and with builds of React and socket.io-client that need no bundler.
const www = mkdtempSync(path.join(tmpdir(), 'herald-www-'));
atExit(() => rmSync(www, { recursive: true, force: true }));
cpSync(path.join(root, 'test/integration/pages'), www, { recursive: true });
for (const [name, file] of [['react', 'umd/react.development.js'], ['react-dom', 'umd/react-dom.development.js'], ['socket.io-client', 'dist/socket.io.min.js']]) {
  const folder = path.dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  cpSync(path.join(folder, file), path.join(www, path.basename(file)));
}

const scene = await Scene.open({ options: [`--www=${www}`, '--dialect=snake', '--dialect=namespaces'] });
const browser = await chromium();
after(async () => {
  await browser.close();
  await scene.close();
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

const { database } = scene;

// Returns a new window with the page. problems: its errors and warnings, except those of WebSockets: connecting fails
// while the bridge is down.
async function openPage(page, user, more = '') {
  const opened = await (await browser.newContext()).newPage();
  opened.problems = [];
  opened.on('pageerror', (error) => opened.problems.push(error.message));
  opened.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !/WebSocket/.test(message.text())) opened.problems.push(message.text());
  });
  await opened.goto(`${scene.bridge.url}/${page}.html?user=${user}&token=${scene.token(user)}${more}`);
  return opened;
}

const shows = (page, selector, text) => page.locator(selector, { hasText: text }).first().waitFor();
const sessions = () => scene.bridge.metric('herald_sessions');

test('snake: toast, badge and list follow the database, and the log-out ends the session', { timeout: 60000 }, async () => {
  const [ann, ben, cat] = await scene.people('Ann', 'Ben', 'Cat');
  const post = await scene.post(ann);
  const [laptop, phone] = [await openPage('snake', ann), await openPage('snake', ann)];
  for (const page of [laptop, phone]) await shows(page, '#status', 'online');

  await database.query('INSERT INTO comments (user_id, post_id, content) VALUES ($1, $2, $3)', [ben, post, 'Nice']);
  await Promise.all([laptop, phone].map((page) => shows(page, '.toast', 'Ben commented')));
  for (const page of [laptop, phone]) {
    await shows(page, '#badge', /^1$/);
    await shows(page, 'li.unread', `(${post}) at ${new Date().getFullYear()}`);
    await page.locator('.toast').waitFor({ state: 'detached' });
  }
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [cat, ann]);
  for (const page of [laptop, phone]) await shows(page, '#badge', /^2$/);

  await laptop.locator('li', { hasText: 'Ben commented' }).click();
  for (const page of [laptop, phone]) {
    await shows(page, '#badge', /^1$/);
    await shows(page, 'li.read', 'Ben commented');
    assert.equal(await page.locator('li').count(), 2);
  }
  assert.equal(await database.value('SELECT herald.unread_count($1)', [ann]), '1');

  // React's strict mode mounts, unmounts and mounts again. The bridge must have ended the sessions of the first mount.
  await until('two sessions', async () => await sessions() === 2);
  await phone.locator('#log-out').click();
  await shows(phone, '#logged-out', 'Bye');
  await until('one session', async () => await sessions() === 1);
  for (const page of [laptop, phone]) assert.deepEqual(page.problems, []);
});

test('snake: shows a notification from the time without a bridge once', { timeout: 60000 }, async () => {
  const [ann, ben, cat] = await scene.people('Ann', 'Ben', 'Cat');
  const page = await openPage('snake', ann);
  await shows(page, '#status', 'online');
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [ben, ann]);
  await shows(page, '#badge', /^1$/);
  await scene.bridge.kill();
  await shows(page, '#status', 'offline');
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [cat, ann]);
  await scene.bridge.start();
  await shows(page, '#status', 'online');
  await shows(page, '#badge', /^2$/);
  assert.equal(await page.locator('li').count(), 2);
  assert.deepEqual(page.problems, []);
});

test('namespaces: two users chat, see each other type, and mark as read', { timeout: 60000 }, async () => {
  const [ann, ben] = await scene.people('Ann', 'Ben');
  const conversation = await scene.conversation(ann, ben);
  const more = `&conversation=${conversation}`;
  const [hers, his] = [await openPage('namespaces', ann, more), await openPage('namespaces', ben, more)];
  for (const page of [hers, his]) await shows(page, '#badge', /^0$/);
  await until('four sessions', async () => await sessions() === 4);

  await his.locator('input').pressSequentially('Hi');
  await shows(hers, '#typing', '…');
  assert.equal(await his.locator('#typing').count(), 0);
  await his.locator('input').press('Enter');
  for (const page of [hers, his]) await shows(page, 'li', 'Ben: Hi');
  await hers.locator('#typing').waitFor({ state: 'detached' });
  await shows(hers, '#badge', /^1$/);
  await shows(his, '#badge', /^0$/);
  await hers.locator('#latest').click();
  await shows(hers, '#badge', /^0$/);
  for (const page of [hers, his]) assert.equal(await page.locator('li').count(), 1);

  await database.query('UPDATE conversation_members SET left_at = now() WHERE user_id = $1', [ben]);
  await his.locator('input').pressSequentially('Hello?');
  await his.locator('input').press('Enter');
  await shows(his, '#error', /^user "\d+" is not in conversation/);
  for (const page of [hers, his]) assert.deepEqual(page.problems, []);
});
