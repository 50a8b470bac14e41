// node_bridge_server.mjs PORT CONNINFO: the bridge that an application writes in Node: LISTEN by pg, rooms and clients by socket.io.

import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import pg from 'pg';
import { Server } from 'socket.io';

const [port, address, secret] = [Number(process.argv[2]), JSON.parse(process.argv[3]), process.env.SECRET];

// Returns the user of a token with a good signature.
function userOf(token) {
  const [header, claims, signature] = token.split('.');
  if (createHmac('sha256', secret).update(`${header}.${claims}`).digest('base64url') !== signature) throw new Error('unauthorized');
  return JSON.parse(Buffer.from(claims, 'base64url')).sub;
}

const http = createServer();
const io = new Server(http);
io.use((socket, next) => {
  try {
    socket.data.user = userOf(socket.handshake.auth.token);
    next();
  } catch (error) {
    next(error);
  }
});
io.on('connection', (socket) => {
  socket.join(`user:${socket.data.user}`);
  socket.on('room:join', ({ room }, respond) => {
    socket.join(room);
    respond({ ok: true });
  });
});

const listener = new pg.Client(address);
await listener.connect();
listener.on('notification', ({ payload }) => {
  const data = JSON.parse(payload);
  const room = data.room ?? (data.userId && `user:${data.userId}`);
  (room ? io.to(room) : io).emit('bench', data);
});
await listener.query('LISTEN bench');
http.listen({ port, host: '127.0.0.1', backlog: 4096 });
