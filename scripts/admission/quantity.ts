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

/** The suffixes of powers of 1000, from 10^-9 on, and of powers of 1024. */
const decimalSuffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/**
 * A quantity as Kubernetes writes it after reading it (CanonicalizeBytes in apimachinery's quantity.go): without a
 * fraction, with the largest suffix. `0.5` is `500m`, `1.5Gi` is `1536Mi`, `1024Mi` is `1Gi`. KServe's webhook stores
 * quantities so, and tools that compare a cluster with git would report any other form as changed. Text of another form
 * is returned as it is.
 */
export function canonicalQuantity(text: string): string {
  const match = /^(\d+)(?:\.(\d*))?([a-zA-Z]{0,2})$/.exec(text);
  const [, whole = '', fraction = '', suffix = ''] = match ?? [];
  const binary = binarySuffixes.indexOf(suffix);
  const decimal = decimalSuffixes.indexOf(suffix);
  if (match === null || (binary < 0 && decimal < 0)) return text;
  const digits = BigInt(whole + fraction);
  if (binary <= 0) return decimalQuantity(digits, 3 * (decimal - 3) - fraction.length);
  const scaled = digits * 1024n ** BigInt(binary);
  const unit = 10n ** BigInt(fraction.length);
  if (scaled % unit !== 0n || scaled < 1024n * unit) return decimalQuantity(scaled, -fraction.length);
  let value = scaled / unit;
  let power = 0;
  for (; value % 1024n === 0n && power < binarySuffixes.length - 1; power += 1) value /= 1024n;
  return `${value}${binarySuffixes[power]}`;
}

/** `mantissa` × 10^`exponent`, rounded up to 10^-9. */
function decimalQuantity(mantissa: bigint, exponent: number): string {
  if (mantissa === 0n) return '0';
  let [value, power] = [mantissa, exponent];
  for (; power < -9; power += 1) value = (value + 9n) / 10n;
  for (; value % 10n === 0n; power += 1) value /= 10n;
  const index = Math.min(Math.floor(power / 3) + 3, decimalSuffixes.length - 1);
  return `${value * 10n ** BigInt(power - 3 * (index - 3))}${decimalSuffixes[index]}`;
}
