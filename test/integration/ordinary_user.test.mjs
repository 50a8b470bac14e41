// The two commands, make demo and make test, as an ordinary user with sudo and without.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { freePort } from './harness/bridge.mjs';
import { refused, Stranger } from './harness/stranger.mjs';

const PATIENCE = 300000;

describe('as an ordinary user', { skip: refused }, () => {
  test('with sudo, make demo serves its pages', { timeout: PATIENCE }, async () => {
    const stranger = new Stranger({ mayUseSudo: true });
    const demo = await stranger.demo(await freePort());
    assert.equal((await fetch(demo.url)).status, 200);
    demo.child.kill('SIGTERM');
    await demo.exited;
  });

  test('with sudo, make test has a subscription, isolation tests and a network of its own', { timeout: 2 * PATIENCE }, async () => {
    const stranger = new Stranger({ mayUseSudo: true });
    const tests = ['test/regress/sql/doctor.sql', 'test/regress/specs/signal_sent.spec', 'test/fault/partition_database.test.mjs'];
    const { status, output: text } = await stranger.run(['test/run', ...tests]);
    assert.equal(status, 0, text);
    assert.match(text, /\n\d+ passed, 0 failed, 0 skipped\n$/);
  });

  test('without sudo, tests that need it are skipped and say why', { timeout: PATIENCE }, async () => {
    const stranger = new Stranger({ mayUseSudo: false });
    const { status, output: text } = await stranger.run(['test/run', 'test/fault/partition_database.test.mjs']);
    assert.equal(status, 0, text);
    assert.match(text, /\nskipped:\n﹣ .*no machine of its own here: sudo: a password is required/);
    assert.match(text, /\n0 passed, 0 failed, [1-9]\d* skipped\n$/);
  });

  test('a regression test that fails does not hide the isolation tests', { timeout: PATIENCE }, async () => {
    const stranger = new Stranger({ mayUseSudo: true });
    const breakOne = "rm test/regress/sql/[!d]*.sql test/regress/sql/doctor.sql; find test/regress/specs -name '*.spec' ! -name signal_sent.spec -delete; echo 'SELECT 1/0;' >> test/regress/sql/doorbell.sql";
    const { status, output: text } = await stranger.run(['bash', '-c', `${breakOne}; test/run regress`]);
    assert.notEqual(status, 0, text);
    assert.match(text, /== regress: \d+ passed, 1 failed/);
    assert.match(text, /== regress-isolation: 1 passed, 0 failed/);
  });
});
