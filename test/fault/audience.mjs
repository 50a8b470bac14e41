// audience.mjs: the messages of a conversation that single clients received, and a summary of the worst losses and delays.

export const heard = (client) => client.all('message:created').map(({ data }) => data.messageId);

// Whether the client's latest reconnection was recovered.
export const recovered = (client) => (client.welcomes ? client.welcomes.at(-1).recovered : client.connects.at(-1));

export const returns = (client) => (client.welcomes ?? client.connects).length - 1;

// Counts a client's missing and repeated messages; gap is its longest time without a message, in milliseconds.
function account(client, expected) {
  const ids = heard(client);
  const known = new Set(ids);
  const silences = client.arrivals.slice(1).map((at, index) => at - client.arrivals[index]);
  return { lost: expected.filter((id) => !known.has(id)).length, duplicated: ids.length - known.size, gap: Math.round(Math.max(0, ...silences)) };
}

// Returns one line for a fault in which no client may miss anything: the worst figures of all clients.
export function line(fault, written, clients, expected = written) {
  const accounts = clients.map((client) => account(client, expected));
  const worst = (figure) => Math.max(...accounts.map((one) => one[figure]));
  return `${fault}: ${written.length} events written, ${worst('lost')} lost, ${worst('duplicated')} duplicated, longest gap ${worst('gap')} ms`;
}
