// page_checks.mjs: checks of an open page that hold for every page: structure, accessible names, contrast and width.

import assert from 'node:assert/strict';

const CONTRAST = 4.5;               // the least that WCAG 2 asks of normal text at level AA

// Runs in the page. Returns the contrast of each visible text with its background, as [text, ratio].
function textContrasts() {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });

  // Paints colours over each other, the first one at the bottom, and returns the red, green and blue of the result.
  const paint = (colours) => {
    canvas.fillStyle = '#fff';
    canvas.fillRect(0, 0, 1, 1);
    for (const colour of colours) {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
    }
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const luminance = (rgb) => {
    const [red, green, blue] = [...rgb].map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const backgrounds = (element) => {
    const colours = [];
    for (let node = element; node; node = node.parentElement) colours.unshift(getComputedStyle(node).backgroundColor);
    return colours;
  };
  const contrast = (element, colour) => {
    const below = backgrounds(element);
    const [lower, higher] = [luminance(paint(below)), luminance(paint([...below, colour]))].sort((a, b) => a - b);
    return (higher + 0.05) / (lower + 0.05);
  };

  const contrasts = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const [text, element] = [texts.currentNode.data.trim(), texts.currentNode.parentElement];
    if (text && element.checkVisibility()) contrasts.push([text, contrast(element, getComputedStyle(element).color)]);
  }
  for (const field of document.querySelectorAll('[placeholder]')) {
    if (field.checkVisibility()) contrasts.push([field.placeholder, contrast(field, getComputedStyle(field, '::placeholder').color)]);
  }
  return contrasts;
}

// Runs in the page. Returns the visible controls without an accessible name, and those with a name that lacks their text.
function badNames() {
  const controls = [...document.querySelectorAll('button, input, textarea, a')].filter((element) => element.checkVisibility());
  return controls.filter((element) => {
    const text = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data).join('').trim();
    const name = element.getAttribute('aria-label') ?? element.innerText ?? '';
    return !name.trim() || !name.includes(text);
  }).map((element) => element.outerHTML.slice(0, 200));
}

// Fails unless the page has one h1 and one main, names for all controls, readable texts, and no horizontal scrolling.
export async function checkPage(page, state) {
  assert.equal(await page.getByRole('heading', { level: 1 }).count(), 1, `${state}: one h1`);
  assert.equal(await page.getByRole('main').count(), 1, `${state}: one main`);
  assert.deepEqual(await page.evaluate(badNames), [], `${state}: accessible names`);
  const contrasts = await page.evaluate(textContrasts);
  assert.notEqual(contrasts.length, 0, `${state}: texts`);
  const faint = contrasts.filter(([, ratio]) => ratio < CONTRAST).map(([text, ratio]) => `${text}: ${ratio.toFixed(2)}`);
  assert.deepEqual(faint, [], `${state}: contrast`);
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(beyond, 0, `${state}: width`);
}
