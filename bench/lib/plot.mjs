// plot.mjs: draws a measure as horizontal bars with the spread of the rounds, as SVG.

import { rounded, summary } from './statistics.mjs';

const WIDTH = 720, LABEL = 190, VALUE = 120, ROW = 26, HEAD = 34;
const escape = (text) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

function bar({ contender, median, least, most }, index, scale, ours) {
  const y = HEAD + index * ROW;
  const [width, from, until] = [median, least, most].map((value) => (value * scale).toFixed(1));
  return `<text x="${LABEL - 8}" y="${y + 15}" text-anchor="end">${escape(contender)}</text>
<rect x="${LABEL}" y="${y + 3}" width="${width}" height="${ROW - 9}" fill="${ours ? '#2563eb' : '#94a3b8'}"/>
<path d="M${LABEL + Number(from)} ${y + 11.5}H${LABEL + Number(until)}" stroke="#111827" stroke-width="2"/>
<text x="${LABEL + Number(until) + 6}" y="${y + 15}">${rounded(median)}</text>`;
}

export function plot({ name, unit, values }) {
  const rows = Object.entries(values).map(([contender, list]) => ({ contender, ...summary(list) }));
  const scale = (WIDTH - LABEL - VALUE) / Math.max(...rows.map(({ most }) => most), Number.MIN_VALUE);
  const height = HEAD + rows.length * ROW + 8;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13">
<rect width="100%" height="100%" fill="white"/>
<text x="8" y="20" font-weight="bold">${escape(`${name} (${unit})`)}</text>
${rows.map((row, index) => bar(row, index, scale, row.contender.startsWith('pg_herald'))).join('\n')}
</svg>
`;
}
