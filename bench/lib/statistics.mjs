// statistics.mjs: medians and spreads of a few rounds.

export function median(values) {
  const ascending = [...values].sort((a, b) => a - b);
  const middle = ascending.length >> 1;
  return ascending.length % 2 ? ascending[middle] : (ascending[middle - 1] + ascending[middle]) / 2;
}

// Returns the value below which this share of the values lies.
export function percentile(values, share) {
  const ascending = [...values].sort((a, b) => a - b);
  return ascending[Math.min(ascending.length - 1, Math.floor(share * ascending.length))];
}

export const summary = (values) => ({ median: median(values), least: Math.min(...values), most: Math.max(...values) });

// Returns a number with about three digits.
export function rounded(value) {
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString('en-US');
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : size >= 1 ? value.toFixed(2) : value.toFixed(3);
}
