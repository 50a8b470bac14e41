// chromium.mjs: starts Debian's Chromium without a window.

import * as playwright from 'playwright-core';

// hosts: names that lead to an address, each as "name address:port". Their URLs have no port.
export function chromium({ hosts = [] } = {}) {
  return playwright.chromium.launch({
    executablePath: process.env.HERALD_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', ...(hosts.length ? [`--host-resolver-rules=${hosts.map((rule) => `MAP ${rule}`)}`] : [])],
  });
}
