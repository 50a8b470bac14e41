// token.mjs: signs JSON web tokens as an application's login does.

import { createHmac } from 'node:crypto';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

// Returns a user's token that expires after so many seconds. header and claims override fields.
export function sign(secret, userId, { seconds = 3600, header = {}, claims = {} } = {}) {
  const expires = Math.floor(Date.now() / 1000) + seconds;
  const content = `${encode({ alg: 'HS256', typ: 'JWT', ...header })}.${encode({ sub: String(userId), exp: expires, ...claims })}`;
  return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`;
}
