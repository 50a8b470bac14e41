// The demo page in each state, in light and dark, on a desktop and on a phone: structure, accessible names and contrast.
// Each check also takes a picture.

import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import { DemoPage } from './harness/demo_page.mjs';
import { checkPage } from './harness/page_checks.mjs';

const demo = await DemoPage.start();
const { scene, ids } = demo;
const { database } = scene;
after(() => demo.close());
afterEach(() => Promise.all(demo.browser.contexts().map((context) => context.close())));

await database.query("ALTER TABLE posts ADD CHECK (content <> 'Refused')");

const desktop = { width: 1280, height: 860 };
const phone = { width: 390, height: 780 };
const looks = Object.entries({ desktop, phone }).flatMap(([device, size]) => ['light', 'dark'].map((colorScheme) => ({
  look: `${device}-${colorScheme}`, options: { ...size, colorScheme }, isPhone: device === 'phone',
})));

// Checks the page as it looks now and takes a picture of it.
async function check(page, state) {
  await demo.picture(page, state);
  await checkPage(page, state);
}

// Causes a toast of a notification and one of an error.
async function toasts(page, user) {
  const other = await database.value('SELECT id FROM users WHERE id <> $1 ORDER BY id DESC LIMIT 1', [user]);
  await database.query('INSERT INTO comments (user_id, post_id, content) SELECT $1, max(id), $3 FROM posts WHERE user_id = $2', [other, user, 'Nice']);
  await page.locator('.toast.notification').waitFor();
  await page.locator('#compose textarea').fill('Refused');
  await page.locator('#compose button').click();
  await page.locator('.toast.error').waitFor();
  await page.locator('#compose textarea').fill('');
}

for (const { look, options, isPhone } of looks) {
  test(`${look}: one h1, one main, named controls and readable texts while connected`, { timeout: 60000 }, async () => {
    const page = await demo.open(ids.grace, options);
    await toasts(page, ids.grace);
    await check(page, `${look}-feed`);
    await page.locator('#bell').click();
    await page.locator('#notifications .entry.unread').first().waitFor();
    await check(page, `${look}-inbox`);
    await page.keyboard.press('Escape');
    await page.locator('.like').first().click();
    await page.locator('.like.liked').first().waitFor();
    for (const view of isPhone ? ['chat', 'people'] : []) {
      await page.locator(`.views [data-show=${view}]`).click();
      await page.locator(`section.${view}`).waitFor();
      await check(page, `${look}-${view}`);
    }
    await page.locator('.like.liked').first().evaluate((button) => button.click());

    const [newcomer] = await scene.people('Newcomer');
    await page.goto(demo.url(newcomer));
    await demo.loaded(page);
    for (const view of isPhone ? ['feed', 'chat', 'people'] : ['feed']) {
      if (isPhone) await page.locator(`.views [data-show=${view}]`).click();
      await check(page, `${look}-empty-${view}`);
    }
    assert.deepEqual(page.problems, []);
  });

  test(`${look}: one h1, one main, named controls and readable texts while not connected`, { timeout: 60000 }, async () => {
    const page = await demo.window(options);
    await page.route(/\/socket\.io\//, () => {});
    await page.goto(demo.url(ids.ada));
    await page.locator('#status[data-state=connecting]').waitFor();
    await check(page, `${look}-connecting`);
    await page.unroute(/\/socket\.io\//);

    await page.goto(demo.url(ids.ada));
    await demo.loaded(page);
    await scene.bridge.kill();
    await page.locator('#status[data-state=offline]').waitFor();
    await check(page, `${look}-offline`);
    await scene.bridge.start();

    await page.goto(scene.bridge.url);
    await page.locator('#refused').waitFor();
    await check(page, `${look}-no-token`);
    await page.goto(demo.url(ids.ada, { seconds: -60 }));
    await page.locator('#refused', { hasText: 'expired' }).waitFor();
    await check(page, `${look}-refused`);
  });
}

test('tells a user without a good token the reason and how to get a link, and keeps a good token in the address', { timeout: 60000 }, async () => {
  const page = await demo.window();
  for (const [url, reason] of [
    [scene.bridge.url, 'needs a token'],
    [demo.url(ids.ada, { seconds: -60 }), 'has expired'],
    [`${scene.bridge.url}/?token=nonsense`, 'does not accept the token'],
  ]) {
    await page.goto(url);
    await page.locator('#reason', { hasText: reason }).waitFor();
    await page.locator('#hint', { hasText: 'make demo prints one link per user.' }).waitFor();
    await page.locator('.brand').click();
    assert.equal(await page.locator('.columns').isVisible(), false);
  }
  await page.goto(`${scene.bridge.url}/#token=${scene.token(ids.ada)}`);
  await demo.loaded(page);
  await page.locator('.brand').click();
  await page.reload();
  await demo.loaded(page);
});

test('names the bell with its count and each button with its user', { timeout: 60000 }, async () => {
  const [uma, vic] = await scene.people('Uma', 'Vic');
  const page = await demo.open(uma);
  await page.getByRole('button', { name: 'Notifications', exact: true }).waitFor();
  await database.query('INSERT INTO follows (follower_id, followee_id) VALUES ($1, $2)', [vic, uma]);
  await page.getByRole('button', { name: 'Notifications, 1 unread', exact: true }).waitFor();
  for (const name of ['Ada', 'Grace', 'Linus', 'Maria']) {
    for (const text of ['Follow', 'Message']) await page.getByRole('button', { name: `${text} ${name}`, exact: true }).waitFor();
  }
});
