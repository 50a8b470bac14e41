// demo_page.mjs: the demo page as scripts/demo serves it, with its database and its bridge, in a real browser.

import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from './chromium.mjs';
import { atExit } from './cleanup.mjs';
import { root } from './postgres.mjs';
import { Scene } from './scene.mjs';

const artifacts = path.join(root, 'test/integration/artifacts');

// Returns a new folder with the page's own files and the bundle of socket.io-client.
function webRoot() {
  const www = mkdtempSync(path.join(tmpdir(), 'herald-www-'));
  atExit(() => rmSync(www, { recursive: true, force: true }));
  const client = path.dirname(createRequire(import.meta.url).resolve('socket.io-client/package.json'));
  cpSync(path.join(root, 'examples/social/www'), www, { recursive: true });
  cpSync(path.join(client, 'dist/socket.io.min.js'), path.join(www, 'socket.io.min.js'));
  return www;
}

export class DemoPage {
  // Starts the demo with its seed users. ids: their ids by user name.
  static async start() {
    const demo = new DemoPage();
    mkdirSync(artifacts, { recursive: true });
    demo.scene = await Scene.open({ seed: true, options: [`--www=${webRoot()}`] });
    demo.browser = await chromium();
    const users = await demo.scene.database.query('SELECT username, id FROM users');
    demo.ids = Object.fromEntries(users.map(({ username, id }) => [username, id]));
    return demo;
  }

  url(userId, options) { return `${this.scene.bridge.url}/?token=${this.scene.token(userId, options)}`; }

  // Returns an empty window with cookies and storage of its own. problems: the errors that its page reports.
  async window({ width = 1280, height = 860, colorScheme = 'light' } = {}) {
    const context = await this.browser.newContext({ viewport: { width, height }, colorScheme });
    const page = await context.newPage();
    page.problems = [];
    page.on('pageerror', (error) => page.problems.push(error.message));
    page.on('console', (message) => { if (message.type() === 'error') page.problems.push(message.text()); });
    return page;
  }

  // Returns a new window in which the user is connected and the page has loaded everything.
  async open(userId, options) {
    const page = await this.window(options);
    await page.goto(this.url(userId));
    await this.loaded(page);
    return page;
  }

  async loaded(page) {
    await page.locator('#status[data-state=online]').waitFor();
    await page.locator('#me .avatar').waitFor();
    for (const part of ['#posts .post, #no-posts:not([hidden])', '#messages li, #no-messages:not([hidden])']) {
      await page.locator(part).first().waitFor({ state: 'attached' });
    }
  }

  picture(page, name) { return page.screenshot({ path: path.join(artifacts, `${name}.png`), animations: 'disabled' }); }

  async close() {
    await this.browser.close();
    await this.scene.close();
  }
}
