// causality.mjs: snapshots of transactions. They tell which transactions a reader must have seen that has seen some others.

// Parses a pg_snapshot, "xmin:xmax:running,running".
export function parseSnapshot(text) {
  const [, xmax, running] = text.split(':');
  return { xmax: Number(xmax), running: running ? running.split(',').map(Number) : [] };
}

export const sees = ({ xmax, running }, xid) => xid < xmax && !running.includes(xid);

// Parses a position (extension/read/position.c). Returns what its reader has seen: a list of { snapshot, last }, the events of the
// transactions that the snapshot sees, up to the id "last".
export function parsePosition(text) {
  return text.split('_').flatMap((part) => {
    const [, , , , seen, windowEnd, last] = part.split('~');
    return [{ snapshot: logSnapshot(seen), last: Infinity }, ...(last ? [{ snapshot: logSnapshot(windowEnd), last: parseInt(last, 16) }] : [])];
  });
}

function logSnapshot(text) {
  const [, xmin, length, , ...running] = text.split('.').map((number) => parseInt(number, 16));
  return { xmax: xmin + length, running: running.map((number) => xmin + number) };
}

// Everything that at least one of several snapshots sees.
export class SeenSnapshots {
  #xmax = 0;
  #hidden = new Set();

  add({ xmax, running }) {
    const stillRunning = new Set(running);
    for (const xid of this.#hidden) if (xid < xmax && !stillRunning.has(xid)) this.#hidden.delete(xid);
    for (const xid of running) if (xid >= this.#xmax) this.#hidden.add(xid);
    this.#xmax = Math.max(this.#xmax, xmax);
  }

  sees(xid) { return xid < this.#xmax && !this.#hidden.has(xid); }
}
