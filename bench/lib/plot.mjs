// plot.mjs: draws a measure as horizontal bars with the spread of the rounds, as SVG. Each row ends with its figures.

import { rounded, summary } from './statistics.mjs';

const WIDTH = 760, LABEL = 190, VALUE = 190, ROW = 26, HEAD = 34;
const escape = (text) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

// One round has no spread.
function bar({ contender, median, least, most, rounds }, index, scale, ours) {
  const y = HEAD + index * ROW;
  const [width, from, until] = [median, least, most].map((value) => (value * scale).toFixed(1));
  const whisker = `<path d="M${LABEL + Number(from)} ${y + 11.5}H${LABEL + Number(until)}m0 -4v8M${LABEL + Number(from)} ${y + 7.5}v8" ` +
    'stroke="#111827" stroke-width="1.5" fill="none"/>\n';
  const spread = rounds > 1 ? ` (${rounded(least)} – ${rounded(most)})` : '';
  return `<text x="${LABEL - 8}" y="${y + 15}" text-anchor="end">${escape(contender)}</text>
<rect x="${LABEL}" y="${y + 3}" width="${width}" height="${ROW - 9}" fill="${ours ? '#2563eb' : '#94a3b8'}"/>
${rounds > 1 ? whisker : ''}<text x="${WIDTH - 8}" y="${y + 15}" text-anchor="end">${rounded(median)}${spread}</text>`;
}

export function plot({ name, unit, values }) {
  const rows = Object.entries(values).map(([contender, list]) => ({ contender, ...summary(list), rounds: list.length }));
  const rounds = Math.max(...rows.map((row) => row.rounds));
  const scale = (WIDTH - LABEL - VALUE) / Math.max(...rows.map(({ most }) => most), Number.MIN_VALUE);
  const height = HEAD + rows.length * ROW + 8;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13">
<rect width="100%" height="100%" fill="white"/>
<text x="8" y="20" font-weight="bold">${escape(`${name} (${unit}), ${rounds > 1 ? 'median (least – most)' : 'one round'}`)}</text>
${rows.map((row, index) => bar(row, index, scale, row.contender.startsWith('pg_herald'))).join('\n')}
</svg>
`;
}
