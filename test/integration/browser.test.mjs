// The demo page in a real browser: each user sees the actions of the others without a reload.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { DemoPage } from './harness/demo_page.mjs';

const demo = await DemoPage.start();
const { scene, ids } = demo;
const { database } = scene;
after(() => demo.close());
afterEach(() => Promise.all(demo.browser.contexts().map((context) => context.close())));

const post = (page, text) => page.locator('.post', { hasText: text });
const toast = (page, text) => page.locator('.toast', { hasText: text });
const badge = (page, count) => page.locator('#badge').filter({ hasText: new RegExp(`^${count}$`) }).waitFor();
const noBadge = (page) => page.locator('#badge').waitFor({ state: 'hidden' });

async function say(page, text) {
  await page.locator('#send input').fill(text);
  await page.locator('#send button').click();
}

// Records from now on each count that the badge shows and each toast, also those that are there only for a moment.
const record = (page) => page.evaluate(() => {
  window.record = { counts: [], toasts: [] };
  const [element, toasts] = [document.querySelector('#badge'), document.querySelector('#toasts')];
  const note = () => {
    const count = element.hidden ? 0 : Number(element.textContent);
    if (count !== window.record.counts.at(-1)) window.record.counts.push(count);
  };
  note();
  new MutationObserver(note).observe(element, { attributes: true, childList: true });
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) for (const { innerText } of addedNodes) window.record.toasts.push(innerText);
  }).observe(toasts, { childList: true });
});

test('a like, a comment and a message reach the other user without a reload', { timeout: 90000 }, async () => {
  const [ada, grace] = [await demo.open(ids.ada), await demo.open(ids.grace)];
  const [hers, his] = [ada, grace].map((page) => post(page, 'Found a moth in the relay'));
  await hers.locator('.likes', { hasText: '2 likes' }).waitFor();
  await grace.locator('#bell').click();
  await grace.locator('#read-all').click();
  await noBadge(grace);
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
  await toast(grace, 'Ada commented').waitFor();
  await badge(grace, 1); // a second like does not announce a notification again that the user has read

  await say(ada, 'The pears are ripe.');
  for (const page of [ada, grace]) await page.locator('.messages li', { hasText: 'The pears are ripe.' }).waitFor();
  await ada.locator('.messages .mine', { hasText: 'The pears are ripe.' }).waitFor();
  await demo.picture(grace, 'live');

  await grace.locator('#bell').click();
  await grace.locator('#notifications .unread', { hasText: 'Ada commented' }).click();
  await grace.locator('.post.revealed').waitFor();
  assert.equal(await grace.evaluate(() => window.sameDocument), true);
  for (const page of [ada, grace]) assert.deepEqual(page.problems, []);
});

test('a new post appears at the followers, and the posts of a newly followed user appear', { timeout: 60000 }, async () => {
  const [ada, linus] = [await demo.open(ids.ada), await demo.open(ids.linus)];
  await ada.locator('#compose textarea').fill('Note G is finished.');
  await ada.locator('#compose button').click();
  for (const page of [ada, linus]) await post(page, 'Note G is finished.').waitFor();

  await post(linus, 'Taped it').waitFor({ state: 'detached' });
  await linus.getByRole('button', { name: 'Follow Grace' }).click();
  await post(linus, 'Taped it').waitFor();
  await linus.getByRole('button', { name: 'Following Grace' }).waitFor();

  await linus.getByRole('button', { name: 'Message Ada' }).click();
  await linus.locator('#conversations button', { hasText: 'Ada' }).waitFor();
  await say(linus, 'May I read it?');
  await ada.locator('#conversations button', { hasText: 'Linus' }).click();
  await ada.locator('.messages li', { hasText: 'May I read it?' }).waitFor();
  for (const page of [ada, linus]) assert.deepEqual(page.problems, []);
});

test('shows the messages sent while the bridge was down, once', { timeout: 60000 }, async () => {
  const [ada, grace] = [await demo.open(ids.ada), await demo.open(ids.grace)];
  for (const page of [ada, grace]) await page.locator('#conversations button', { hasText: 'Sunday lunch' }).click();
  await ada.locator('.messages li', { hasText: 'Soup or pie?' }).waitFor();
  await scene.bridge.kill();
  await ada.locator('#status[data-state=offline]').waitFor();
  await scene.message(1, ids.maria, 'Said meanwhile');
  await scene.bridge.start();
  for (const page of [ada, grace]) {
    await page.locator('#status[data-state=online]').waitFor();
    await page.locator('.messages li', { hasText: 'Said meanwhile' }).waitFor();
    assert.equal(await page.locator('.messages li', { hasText: 'Said meanwhile' }).count(), 1);
  }
});

test('removes the toast of a like when the like is undone or read elsewhere', { timeout: 60000 }, async () => {
  const [uma, vic, wes] = await scene.people('Uma', 'Vic', 'Wes');
  const liked = await scene.post(uma);
  const [page, other] = [await demo.window(), await demo.open(uma)];
  await page.clock.install();
  await page.goto(demo.url(uma));
  await demo.loaded(page);
  await page.clock.pauseAt(await page.evaluate(() => Date.now()) + 1000); // no toast expires from now on

  for (const user of [vic, wes]) await database.query('INSERT INTO likes (user_id, post_id) VALUES ($1, $2)', [user, liked]);
  await toast(page, 'Vic liked your post').waitFor();
  await toast(page, 'Wes liked your post').waitFor();
  await database.query('DELETE FROM likes WHERE user_id = $1', [vic]);
  await toast(page, 'Vic liked your post').waitFor({ state: 'detached' });
  assert.equal(await toast(page, 'Wes liked your post').count(), 1);

  await other.locator('#bell').click();
  await other.locator('#notifications .entry', { hasText: 'Wes liked your post' }).click();
  await toast(page, 'Wes liked your post').waitFor({ state: 'detached' });
  assert.deepEqual(page.problems, []);
});

test('announces no message of the conversation in view', { timeout: 60000 }, async () => {
  const [uma, vic, wes] = await scene.people('Uma', 'Vic', 'Wes');
  const [first, second] = [await scene.conversation(uma, vic), await scene.conversation(uma, wes)];
  await scene.message(second, wes, 'Old');
  await scene.message(first, vic, 'Hello');
  const page = await demo.open(uma);
  await page.locator('.messages li', { hasText: 'Hello' }).waitFor();
  await badge(page, 1); // the message of the other conversation: the first one is in view since the page has loaded

  await record(page);
  await scene.message(first, vic, 'Are you there?');
  await page.locator('.messages li', { hasText: 'Are you there?' }).waitFor();
  await scene.message(second, wes, 'And you?');
  await toast(page, 'Wes sent you a message').waitFor();
  await badge(page, 2);
  const { counts, toasts } = await page.evaluate(() => window.record);
  assert.deepEqual(counts, [1, 2]);
  assert.equal(toasts.length, 1, toasts.join('; '));
  assert.equal(await database.value('SELECT herald.unread_count($1)', [uma]), '2');

  await page.getByRole('button', { name: 'Wes (new messages)' }).click();
  await page.locator('.messages li', { hasText: 'And you?' }).waitFor();
  await noBadge(page);
  await toast(page, 'Wes sent you a message').waitFor({ state: 'detached' });
  assert.deepEqual(page.problems, []);
});

test('announces a message while a phone shows another view, until the user opens the conversation', { timeout: 60000 }, async () => {
  const [uma, vic] = await scene.people('Uma', 'Vic');
  const conversation = await scene.conversation(uma, vic);
  const page = await demo.open(uma, { width: 390, height: 780 });
  await scene.message(conversation, vic, 'Hello');
  await toast(page, 'Vic sent you a message').waitFor();
  await badge(page, 1);
  await page.locator('.views [data-show=chat]').click();
  await page.locator('.messages li', { hasText: 'Hello' }).waitFor();
  await noBadge(page);
  await toast(page, 'Vic sent you a message').waitFor({ state: 'detached' });

  await record(page);
  await scene.message(conversation, vic, 'Still there?');
  await page.locator('.messages li', { hasText: 'Still there?' }).waitFor();
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [vic, uma]);
  await toast(page, 'Vic started following you').waitFor();
  await badge(page, 1);
  const { counts, toasts } = await page.evaluate(() => window.record);
  assert.deepEqual(counts, [0, 1]);
  assert.equal(toasts.length, 1, toasts.join('; '));
});

// Replaces a function of the application with SQL of this test, for as long as work() runs.
async function replaced(name, body, work) {
  const original = await database.value('SELECT pg_get_functiondef($1::regprocedure)', [`api.${name}(text, jsonb)`]);
  await database.query(`CREATE OR REPLACE FUNCTION api.${name}(user_id text, payload jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ ${body} $$`);
  try {
    await work();
  } finally {
    await database.query(original);
  }
}

// Waits for the toast of an error and returns its text; it must be a sentence without a word of PostgreSQL's message.
async function errorToast(page) {
  const error = page.locator('.toast.error');
  await error.waitFor();
  const text = await error.locator('.excerpt').innerText();
  assert.match(text, /^[A-Z][a-z]+ [^":_]+\.$/);
  assert.doesNotMatch(text, /constraint|violates|relation|duplicate|key|row|syntax/);
  await error.click();
  return text;
}

test('keeps the focus and the text of a user who types on while a form is sent', { timeout: 60000 }, async () => {
  const page = await demo.open(ids.ada);
  const send = (typed) => page.evaluate(async (typed) => {
    const { onSubmit } = await import('/dom.js');
    const form = document.querySelector('#compose').cloneNode(true);
    document.body.append(form);
    const field = form.elements.content;
    let finish;
    onSubmit(form, () => new Promise((resolve) => { finish = resolve; }));
    field.value = 'sent';
    form.requestSubmit();
    const focusedAtOnce = document.activeElement === field;
    document.querySelector('#send input').focus();
    field.value = typed;
    finish({});
    await new Promise(setTimeout);
    const result = { focusedAtOnce, focusKept: document.activeElement !== field, text: field.value };
    form.remove();
    return result;
  }, typed);
  assert.deepEqual(await send('sent'), { focusedAtOnce: true, focusKept: true, text: '' });
  assert.deepEqual(await send('typed since'), { focusedAtOnce: true, focusKept: true, text: 'typed since' });
  assert.deepEqual(page.problems, []);
});

test('says in a sentence that an action failed', { timeout: 90000 }, async () => {
  const [uma, vic] = await scene.people('Uma', 'Vic');
  const [gone] = [await scene.post(uma, 'Soon gone'), await scene.post(uma, 'Here to stay')];
  const page = await demo.open(uma);

  const like = await post(page, 'Soon gone').locator('.like').elementHandle();
  await database.query('DELETE FROM posts WHERE id = $1', [gone]);
  await post(page, 'Soon gone').waitFor({ state: 'detached' });
  await like.evaluate((button) => button.click());
  assert.equal(await errorToast(page), 'This does not exist any more.');

  await replaced('post_like', `BEGIN
    INSERT INTO likes (user_id, post_id) VALUES (user_id::bigint, (payload ->> 'postId')::bigint);
    RETURN '{}';
  END`, async () => {
    await post(page, 'Here to stay').locator('.like').click();
    await post(page, 'Here to stay').locator('.likes', { hasText: '1 like' }).waitFor();
    await post(page, 'Here to stay').locator('.like').click();
    assert.equal(await errorToast(page), 'You have done this already.');
  });
  await replaced('user_follow', `BEGIN
    INSERT INTO follows (follower_id, followee_id) VALUES (user_id::bigint, (payload ->> 'userId')::bigint);
    RETURN '{}';
  END`, async () => {
    await page.locator(`[data-user="${vic}"] button`, { hasText: /^Follow$/ }).click();
    await page.locator(`[data-user="${vic}"] button`, { hasText: 'Following' }).click();
    assert.equal(await errorToast(page), 'You have done this already.');
  });
  await replaced('post_create', `BEGIN
    RAISE EXCEPTION 'row of relation "posts" violates constraint "posts_check"' USING ERRCODE = payload ->> 'content';
  END`, async () => {
    for (const code of ['22023', '22P02', '23502', '23514', '40001', '40P01', '42501', '42703', '57014', 'P0001', 'P0002', 'XX000']) {
      await page.locator('#compose textarea').fill(code);
      await page.locator('#compose button').click();
      await errorToast(page);
      assert.equal(await page.locator('#compose textarea').inputValue(), code);
    }
  });
  assert.deepEqual(page.problems, []);
});
