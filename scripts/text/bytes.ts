const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Formats bytes in decimal units, as registries state their limits: `0 B`, `999 B`, `1.5 kB`, `12 MB`. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return '?';
  if (bytes < 0) return `-${formatBytes(-bytes)}`;
  let value = bytes;
  let unit = 0;
  // 999.95 would round to 1000: move up a unit first.
  while (unit < units.length - 1 && Number(value.toFixed(value < 10 ? 1 : 0)) >= 1000) {
    value /= 1000;
    unit++;
  }
  const digits = unit > 0 && value < 9.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** Formats a rate: `85 MB/s`. */
export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(Math.max(0, bytesPerSecond))}/s`;
}

/** Formats seconds: `0.4 s`, `12 s`, `3 m 05 s`, `2 h 07 m`. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '?';
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${pad(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} m`;
}

/** Mean rate over the last seconds, so that a stall shows and an old burst does not. */
export class Rate {
  readonly #window: number;
  readonly #samples: { at: number; bytes: number }[];

  /** `start` and the times passed to `add` are milliseconds of one clock; `window` is in milliseconds. */
  constructor(start: number, window = 10_000) {
    this.#window = window;
    this.#samples = [{ at: start, bytes: 0 }];
  }

  /** Records a total of `bytes` at time `at`. */
  add(at: number, bytes: number): void {
    const last = this.#samples.at(-1);
    // Chunks arrive by the thousand per second: one sample per 100 ms is enough.
    if (last && this.#samples.length > 1 && at - last.at < 100) last.bytes = bytes;
    else this.#samples.push({ at, bytes });
    while (this.#samples.length > 2 && at - (this.#samples[1]?.at ?? at) >= this.#window)
      this.#samples.shift();
  }

  /** Bytes per second at time `at`; 0 before the first bytes and after a retry moved backwards. */
  perSecond(at: number): number {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || at <= first.at) return 0;
    return Math.max(0, ((last.bytes - first.bytes) * 1000) / (at - first.at));
  }
}

function pad(number: number): string {
  return String(number).padStart(2, '0');
}
