// own_machine.mjs: runs a test file with a network and mounts of its own. The file must import it first.
//
// The file starts itself again in new kernel namespaces. Only its own processes see its mounts and its changes to the loopback;
// the kernel removes both with the last of these processes, however that ends. An ordinary user gets the namespaces by sudo, if
// sudo asks for no password; the tests then run as root.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const MARK = 'HERALD_OWN_MACHINE';
const sudo = process.getuid() === 0 ? [] : ['sudo', '-n', '-E', '--'];
const namespaces = ['unshare', '--net', '--mount', '--'];

// Runs a program with its arguments in new namespaces.
function enter(words, options) {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, [MARK]: process.pid };
  const [command, ...rest] = ['setpriv', '--pdeathsig', 'TERM', ...sudo, ...namespaces, ...words];
  return spawnSync(command, rest, { env, encoding: 'utf8', ...options });
}

const trial = 'ip link set lo up && nft add table inet trial && mount -t tmpfs tmpfs /mnt';

function explain() {
  const { status, error, stderr } = enter(['sh', '-c', trial]);
  return status === 0 ? false : `no machine of its own here: ${(error?.message ?? stderr).trim()}`;
}

// The reason to skip tests that need namespaces, or false.
export const refused = process.env[MARK] ? false : explain();

if (process.env[MARK]) {
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  // The death signal does not pass sudo.
  setInterval(() => existsSync(`/proc/${process.env[MARK]}`) || process.exit(1), 1000).unref();
} else if (!refused) {
  const { status } = enter([process.execPath, ...process.execArgv, ...process.argv.slice(1)], { stdio: 'inherit' });
  process.exit(status ?? 1);
}
