const powers = ['k', 'M', 'G', 'T', 'P', 'E'];
const factors = new Map<string, number>([
  ['', 1],
  ['n', 1e-9],
  ['u', 1e-6],
  ['m', 1e-3],
]);
for (const [index, letter] of powers.entries()) {
  factors.set(letter, 1000 ** (index + 1));
  factors.set(`${letter === 'k' ? 'K' : letter}i`, 1024 ** (index + 1));
}

/**
 * A Kubernetes quantity (apimachinery pkg/api/resource/quantity.go) as a number: `500m` is 0.5, `2Gi` 2147483648; 0 for
 * anything else.
 */
export function quantity(text: string | number | undefined): number {
  if (typeof text === 'number') return text;
  const match = /^([+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)([a-zA-Z]{0,2})$/.exec(text ?? '');
  const factor = factors.get(match?.[2] ?? '');
  return match === null || factor === undefined ? 0 : Number(match[1]) * factor;
}
