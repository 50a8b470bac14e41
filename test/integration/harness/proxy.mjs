// proxy.mjs: runs nginx, HAProxy and Caddy with the configurations of examples/proxies.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from './bridge.mjs';
import { certify } from './certificate.mjs';
import { atExit } from './cleanup.mjs';
import { root } from './postgres.mjs';
import { until } from './wait.mjs';

const directory = mkdtempSync(path.join(tmpdir(), 'herald-proxy-'));
atExit(() => rmSync(directory, { recursive: true, force: true }));
const certificate = path.join(directory, 'app.example.com.pem');
const key = path.join(directory, 'app.example.com.key');

function createCertificate() {
  certify(certificate, key, { host: 'app.example.com' });
  writeFileSync(path.join(directory, 'app.example.com.both.pem'), readFileSync(certificate) + readFileSync(key));
}

function installed(name) {
  try {
    execFileSync(name, [name === 'caddy' ? 'version' : '-v'], { stdio: 'ignore', env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });
    return true;
  } catch {
    return false;
  }
}

// How to run each proxy: its example, a frame around it, and the arguments for a file.
const nginxFrame = (text) => `daemon off; master_process off; error_log stderr; pid ${directory}/nginx.pid; events {} http { access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${directory}/${name};`).join(' ')} ${text} }`;
const kinds = {
  nginx: { example: 'nginx.conf', frame: nginxFrame, arguments: (file) => ['-p', directory, '-e', 'stderr', '-c', file] },
  haproxy: { example: 'haproxy.cfg', frame: (text) => text, arguments: (file) => ['-db', '-f', file] },
  caddy: { example: 'Caddyfile', frame: (text) => `{\n\tadmin off\n\tauto_https disable_redirects\n}\n${text}`,
    arguments: (file) => ['run', '--adapter', 'caddyfile', '--config', file] },
};

export class Proxy {
  #child;
  #forget;
  log = '';

  // Returns why a proxy cannot be run, or false.
  static missing(name) { return installed(name) ? false : `${name} is not installed`; }

  // name: of a kind. ports: of two bridges. text: a configuration instead of the example's, with 443 as its port.
  static async start(name, ports, text) {
    const proxy = new Proxy();
    const kind = kinds[name];
    createCertificate();
    proxy.port = await freePort();
    const example = text ?? readFileSync(path.join(root, 'examples/proxies', kind.example), 'utf8');
    // Some clients name the address that they connect to as the host.
    const hosts = example.replace('https://app.example.com:443', 'https://app.example.com:443, https://127.0.0.1:443');
    const adapted = hosts.replaceAll(/(?<=[ :])443\b/g, proxy.port).replaceAll('/etc/ssl/', `${directory}/`)
      .replaceAll('127.0.0.1:8080', `127.0.0.1:${ports[0]}`).replaceAll('127.0.0.1:8090', `127.0.0.1:${ports[1]}`);
    const file = path.join(directory, kind.example);
    writeFileSync(file, kind.frame(adapted));
    mkdirSync(path.join(directory, 'home'), { recursive: true });
    const environment = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin`, HOME: path.join(directory, 'home'), XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory };
    proxy.#child = spawn('setpriv', ['--pdeathsig', 'KILL', name, ...kind.arguments(file)], { stdio: ['ignore', 'pipe', 'pipe'], env: environment });
    for (const stream of [proxy.#child.stdout, proxy.#child.stderr]) stream.on('data', (bytes) => { proxy.log += bytes; });
    proxy.exited = once(proxy.#child, 'close');
    proxy.#forget = atExit(() => proxy.#child.kill('SIGKILL'));
    await until(`${name} listens`, () => proxy.#accepts());
    return proxy;
  }

  #accepts() {
    if (this.#child.exitCode !== null) throw new Error(`the proxy ended:\n${this.log}`);
    return new Promise((resolve) => {
      const socket = net.connect(this.port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
      socket.on('error', () => resolve(false));
    });
  }

  async stop() {
    this.#child.kill('SIGTERM');
    await Promise.race([this.exited, new Promise((resolve) => setTimeout(resolve, 2000).unref())]);
    this.#child.kill('SIGKILL');
    await this.exited;
    this.#forget();
  }
}
