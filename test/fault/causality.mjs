// causality.mjs: snapshots of transactions. They tell which transactions a reader must have seen that has seen some others.

// Parses a pg_snapshot, "xmin:xmax:running,running".
export function parseSnapshot(text) {
  const [, xmax, running] = text.split(':');
  return { xmax: Number(xmax), running: running ? running.split(',').map(Number) : [] };
}

export const sees = ({ xmax, running }, xid) => xid < xmax && !running.includes(xid);

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
