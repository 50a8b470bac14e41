// own_machine.mjs: runs the test file that imports it, first of all, with a network and mounts of its own.
//
// The file starts itself once more in new namespaces of the kernel. Whatever it mounts, and whatever it does to its
// loopback, is seen by nobody else and gone with its last process, however that ends.

import { execFileSync, spawnSync } from 'node:child_process';

const MARK = 'HERALD_OWN_MACHINE';
const namespaces = ['unshare', '--net', '--mount', '--'];

const trial = 'ip link set lo up && nft add table inet trial && mount -t tmpfs tmpfs /mnt';

function explain() {
  const { status, error, stderr } = spawnSync(namespaces[0], [...namespaces.slice(1), 'sh', '-c', trial], { encoding: 'utf8' });
  return status === 0 ? false : `no machine of its own here: ${(error?.message ?? stderr).trim()}`;
}

// Why a test that needs this must be skipped; false: it need not.
export const refused = process.env[MARK] ? false : explain();

if (process.env[MARK]) {
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
} else if (!refused) {
  const [command, ...rest] = ['setpriv', '--pdeathsig', 'TERM', ...namespaces, process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const { status } = spawnSync(command, rest, { stdio: 'inherit', env: { ...process.env, [MARK]: '1' } });
  process.exit(status ?? 1);
}
