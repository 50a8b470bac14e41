// loss.mjs: drops packets to and from ports of the loopback. Neither side gets an error; only timeouts tell.
//
// Only for test files with a network of their own (own_machine.mjs).

import { execFileSync } from 'node:child_process';

const rules = `
table inet loss {
  set lost { type inet_service; }
  chain arrivals {
    type filter hook input priority 0;
    tcp dport @lost drop
    tcp sport @lost drop
  }
}`;

const nft = (...words) => execFileSync('nft', words);
const element = (ports) => ['element', 'inet', 'loss', 'lost', `{ ${ports.join(', ')} }`];

let prepared = false;

// Drops all packets to and from these ports from now on.
export function cut(...ports) {
  if (ports.length === 0) return;
  if (!prepared) execFileSync('nft', ['-f', '-'], { input: rules });
  prepared = true;
  nft('add', ...element(ports));
}

// Lets packets through again; without ports, for all ports that were cut.
export function mend(...ports) {
  if (ports.length > 0) nft('delete', ...element(ports));
  else if (prepared) nft('flush', 'set', 'inet', 'loss', 'lost');
}

// The peer ports of established connections whose local ('sport') or remote ('dport') port is this one.
export function established(side, port) {
  const lines = execFileSync('ss', ['-Htn', 'state', 'established', side, '=', `:${port}`], { encoding: 'utf8' });
  return [...lines.matchAll(/:(\d+)/g)].map(([, number]) => Number(number)).filter((number) => number !== port);
}
