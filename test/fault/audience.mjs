// audience.mjs: what single clients heard of the messages of a conversation, and the worst of it in words.

export const heard = (client) => client.all('message:created').map(({ data }) => data.messageId);

// Whether its latest return was a recovery.
export const recovered = (client) => (client.welcomes ? client.welcomes.at(-1).recovered : client.connects.at(-1));

export const returns = (client) => (client.welcomes ?? client.connects).length - 1;

// What a client lacks of the messages that it had to get, how many came twice, and its longest silence.
function account(client, expected) {
  const ids = heard(client);
  const known = new Set(ids);
  const silences = client.arrivals.slice(1).map((at, place) => at - client.arrivals[place]);
  return { lost: expected.filter((id) => !known.has(id)).length, duplicated: ids.length - known.size, gap: Math.round(Math.max(0, ...silences)) };
}

// The line of a fault in which nobody may lack anything: the worst that happened to one of the clients.
export function line(fault, written, clients, expected = written) {
  const accounts = clients.map((client) => account(client, expected));
  const worst = (what) => Math.max(...accounts.map((one) => one[what]));
  return `${fault}: ${written.length} events written, ${worst('lost')} lost, ${worst('duplicated')} duplicated, longest gap ${worst('gap')} ms`;
}
