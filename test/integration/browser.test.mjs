// The demo page in a real browser: what one user does, another sees without reloading.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { chromium } from './harness/chromium.mjs';
import { atExit } from './harness/cleanup.mjs';
import { root } from './harness/postgres.mjs';
import { Scene } from './harness/scene.mjs';

const artifacts = path.join(root, 'test/integration/artifacts');
mkdirSync(artifacts, { recursive: true });

// The page as scripts/demo serves it: its own files beside the bundle of socket.io-client.
const www = mkdtempSync(path.join(tmpdir(), 'herald-www-'));
atExit(() => rmSync(www, { recursive: true, force: true }));
const bundle = path.join(path.dirname(createRequire(import.meta.url).resolve('socket.io-client/package.json')), 'dist/socket.io.min.js');
cpSync(path.join(root, 'examples/social/www'), www, { recursive: true });
cpSync(bundle, path.join(www, 'socket.io.min.js'));

const scene = await Scene.open({ seed: true, options: [`--www=${www}`] });
const browser = await chromium();
after(async () => {
  await browser.close();
  await scene.close();
});

const ids = Object.fromEntries((await scene.database.query('SELECT username, id FROM users')).map(({ username, id }) => [username, id]));

// A window of its own for a user. Anything the page complains about fails the test.
async function openPage(username, { width = 1280, height = 860, colorScheme = 'light' } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme });
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(error.message));
  page.on('console', (message) => { if (message.type() === 'error') page.problems.push(message.text()); });
  await page.goto(`${scene.bridge.url}/?token=${scene.token(ids[username])}`);
  await page.locator('#status[data-state=online]').waitFor();
  await page.locator('.post').first().waitFor();
  return page;
}

const picture = (page, name) => page.screenshot({ path: path.join(artifacts, `${name}.png`), animations: 'disabled' });

test('one user likes, comments and writes; the other sees it without a reload', { timeout: 90000 }, async () => {
  const [ada, grace] = [await openPage('ada'), await openPage('grace')];
  const text = 'Found a moth in the relay';
  const [hers, his] = [ada, grace].map((page) => page.locator('.post', { hasText: text }));
  const badge = grace.locator('#badge');
  await hers.locator('.likes', { hasText: '2 likes' }).waitFor();
  await grace.locator('#bell').click();
  await grace.locator('#read-all').click();
  await badge.waitFor({ state: 'hidden' });
  await grace.locator('#bell').click();
  await grace.evaluate(() => { window.sameDocument = true; });

  await hers.locator('.like').click();
  await his.locator('.likes', { hasText: '1 like' }).waitFor();
  await hers.locator('.like').click();
  await his.locator('.likes', { hasText: '2 likes' }).waitFor();

  await hers.locator('input[name=content]').fill('Keep it forever.');
  await hers.locator('form button').click();
  await his.locator('.comments li', { hasText: 'Keep it forever.' }).waitFor();
  await his.locator('.count', { hasText: '2 comments' }).waitFor();
  await grace.locator('.toast', { hasText: 'Ada commented' }).waitFor();
  await badge.filter({ hasText: /^1$/ }).waitFor(); // nobody is told again of a like that they have read

  await ada.locator('#send input').fill('The pears are ripe.');
  await ada.locator('#send button').click();
  for (const page of [ada, grace]) await page.locator('.messages li', { hasText: 'The pears are ripe.' }).waitFor();
  await ada.locator('.messages .mine', { hasText: 'The pears are ripe.' }).waitFor();
  await picture(grace, 'grace-live');

  await grace.locator('#bell').click();
  await grace.locator('#notifications .unread').first().waitFor();
  await picture(grace, 'grace-inbox');
  await grace.locator('#notifications .entry', { hasText: 'Ada commented' }).click();
  await grace.locator('.post.revealed').waitFor();
  await picture(ada, 'ada');
  assert.equal(await grace.evaluate(() => window.sameDocument), true);
  for (const page of [ada, grace]) assert.deepEqual(page.problems, []);
});

test('a new post appears with those who follow, and whom one follows now fills the feed', { timeout: 60000 }, async () => {
  const [ada, linus] = [await openPage('ada'), await openPage('linus')];
  await ada.locator('#compose textarea').fill('Note G is finished.');
  await ada.locator('#compose button').click();
  for (const page of [ada, linus]) await page.locator('.post', { hasText: 'Note G is finished.' }).waitFor();

  await linus.locator('.post', { hasText: 'Taped it' }).waitFor({ state: 'detached' });
  await linus.locator(`[data-user="${ids.grace}"] button`, { hasText: /^Follow$/ }).click();
  await linus.locator('.post', { hasText: 'Taped it' }).waitFor();
  await linus.locator(`[data-user="${ids.grace}"] button`, { hasText: 'Following' }).waitFor();

  await linus.locator(`[data-user="${ids.ada}"] button`, { hasText: 'Message' }).click();
  await linus.locator('#conversations button', { hasText: 'Ada' }).waitFor();
  await linus.locator('#send input').fill('May I read it?');
  await linus.locator('#send button').click();
  await ada.locator('#conversations button', { hasText: 'Linus' }).click();
  await ada.locator('.messages li', { hasText: 'May I read it?' }).waitFor();
  for (const page of [ada, linus]) assert.deepEqual(page.problems, []);
});

test('the page goes on by itself when the bridge is started again', { timeout: 60000 }, async () => {
  const [ada, grace] = [await openPage('ada'), await openPage('grace')];
  for (const page of [ada, grace]) await page.locator('#conversations button', { hasText: 'Sunday lunch' }).click();
  await ada.locator('.messages li', { hasText: 'Soup or pie?' }).waitFor();
  await scene.bridge.kill();
  await ada.locator('#status[data-state=offline]').waitFor();
  await scene.database.query("INSERT INTO messages (conversation_id, sender_id, content) VALUES (1, $1, 'Said meanwhile')", [ids.maria]);
  await scene.bridge.start();
  for (const page of [ada, grace]) {
    await page.locator('#status[data-state=online]').waitFor();
    await page.locator('.messages li', { hasText: 'Said meanwhile' }).waitFor();
    assert.equal(await page.locator('.messages li', { hasText: 'Said meanwhile' }).count(), 1);
  }
});

test('small and dark, without token, with a wrong one, and with nothing to show', { timeout: 60000 }, async () => {
  const phone = await openPage('grace', { width: 390, height: 780, colorScheme: 'dark' });
  await picture(phone, 'phone-feed');
  for (const view of ['chat', 'people']) {
    await phone.locator(`.views [data-show=${view}]`).click();
    await phone.locator(`section.${view}`).waitFor();
    await picture(phone, `phone-${view}`);
  }
  await phone.goto(scene.bridge.url);
  await phone.locator('#refused', { hasText: 'token' }).waitFor();
  await phone.goto(`${scene.bridge.url}/?token=${scene.token(ids.ada, { seconds: -60 })}`);
  await phone.locator('#refused', { hasText: 'expired' }).waitFor();
  await picture(phone, 'refused');

  const [nobody] = await scene.people('Newcomer');
  const empty = await (await browser.newContext({ viewport: { width: 1280, height: 860 } })).newPage();
  await empty.goto(`${scene.bridge.url}/?token=${scene.token(nobody)}`);
  await empty.locator('#no-posts').waitFor();
  await picture(empty, 'empty');
  await empty.locator('#compose textarea').fill('   ');
  await empty.locator('.people button', { hasText: /^Follow$/ }).first().click();
  await empty.locator('.post').first().waitFor();
});
