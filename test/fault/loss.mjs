// loss.mjs: packets to and from ports of the loopback are lost; nobody is told, only time tells.
//
// For a test file with a machine of its own (own_machine.mjs).

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

// From now on nothing arrives at these ports or from them.
export function cut(...ports) {
  if (ports.length === 0) return;
  if (!prepared) execFileSync('nft', ['-f', '-'], { input: rules });
  prepared = true;
  nft('add', ...element(ports));
}

// Without ports: whatever was cut.
export function mend(...ports) {
  if (ports.length > 0) nft('delete', ...element(ports));
  else if (prepared) nft('flush', 'set', 'inet', 'loss', 'lost');
}

// The ports at the other ends of the connections that are alive on the side on which this is their 'sport' or 'dport'.
export function established(side, port) {
  const lines = execFileSync('ss', ['-Htn', 'state', 'established', side, '=', `:${port}`], { encoding: 'utf8' });
  return [...lines.matchAll(/:(\d+)/g)].map(([, number]) => Number(number)).filter((number) => number !== port);
}
