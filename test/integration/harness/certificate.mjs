// certificate.mjs: makes certificates that sign themselves, and their keys.

import { execFileSync } from 'node:child_process';

// Writes both as PEM files. name: the subject. host: the name or address that it is for. kind: of the key, as arguments of openssl.
export function certify(certificate, key, { name, host, kind = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] }) {
  const alternative = /^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`;
  execFileSync('openssl', ['req', '-x509', '-newkey', ...kind, '-nodes', '-days', '30', '-subj', `/CN=${name ?? host}`,
    '-addext', `subjectAltName=${alternative}`, '-keyout', key, '-out', certificate], { stdio: 'ignore' });
}
