// chromium.mjs: starts Debian's Chromium without a window.

import * as playwright from 'playwright-core';

export function chromium() {
  return playwright.chromium.launch({
    executablePath: process.env.HERALD_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
}
