// token.mjs: signs JSON web tokens as an application's login does.

import { constants, createHmac, sign as signBytes } from 'node:crypto';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

// Returns a user's token that expires after so many seconds. header and claims override fields.
export function sign(secret, userId, { seconds = 3600, header = {}, claims = {} } = {}) {
  const expires = Math.floor(Date.now() / 1000) + seconds;
  const content = `${encode({ alg: 'HS256', typ: 'JWT', ...header })}.${encode({ sub: String(userId), exp: expires, ...claims })}`;
  return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`;
}

// The options with which a private key signs, by the name of the algorithm.
const options = (algorithm) => ({
  RS: { padding: constants.RSA_PKCS1_PADDING },
  PS: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
  ES: { dsaEncoding: 'ieee-p1363' },
  Ed: {},
})[algorithm.slice(0, 2)];

// Returns a token that a private key signs. The header has "alg", and "kid" if it is given.
export function signByKey(privateKey, algorithm, claims, { kid } = {}) {
  const content = `${encode({ alg: algorithm, kid })}.${encode(claims)}`;
  const digest = algorithm === 'EdDSA' ? null : `sha${algorithm.slice(2)}`;
  return `${content}.${signBytes(digest, content, { key: privateKey, ...options(algorithm) }).toString('base64url')}`;
}
