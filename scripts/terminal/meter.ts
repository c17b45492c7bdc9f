import { formatBytes, formatDuration, formatRate, Rate } from '../text/bytes.ts';
import { oneLine } from '../text/width.ts';

/** The progress of one task; bars and plain lines read the same numbers. */
export class Meter {
  readonly label: string;
  readonly started: number;
  readonly #rate: Rate;
  bytes = 0;
  total: number | undefined;
  note = '';

  constructor(label: string, total: number | undefined, now = performance.now()) {
    this.label = oneLine(label);
    this.total = total;
    this.started = now;
    this.#rate = new Rate(now);
  }

  add(bytes: number, now = performance.now()): void {
    this.bytes = Math.max(0, this.bytes + bytes);
    this.#rate.add(now, this.bytes);
  }

  /** 0 to 1; undefined when the total is unknown. */
  get fraction(): number | undefined {
    if (this.total === undefined) return undefined;
    return this.total === 0 ? 1 : Math.min(1, this.bytes / this.total);
  }

  /** `45%`, rounded down so that 100% means complete; empty when the total is unknown. */
  get percent(): string {
    return this.fraction === undefined ? '' : `${Math.floor(this.fraction * 100)}%`;
  }

  /** `1.2 GB of 2.7 GB`, or `1.2 GB`; empty before the first byte of an unknown total. */
  get amount(): string {
    if (this.total !== undefined) return `${formatBytes(this.bytes)} of ${formatBytes(this.total)}`;
    return this.bytes > 0 ? formatBytes(this.bytes) : '';
  }

  /** `85 MB/s`; empty while nothing moves. */
  rate(now = performance.now()): string {
    const perSecond = this.#rate.perSecond(now);
    return perSecond > 0 ? formatRate(perSecond) : '';
  }

  /** `12 s left`; empty when unknown. */
  left(now = performance.now()): string {
    const perSecond = this.#rate.perSecond(now);
    if (this.total === undefined || perSecond <= 0 || this.bytes >= this.total) return '';
    return `${formatDuration((this.total - this.bytes) / perSecond)} left`;
  }

  /** `2.7 GB in 31 s`, or `31 s` if no bytes were transferred. */
  summary(now = performance.now()): string {
    const elapsed = formatDuration((now - this.started) / 1000);
    return this.bytes > 0 ? `${formatBytes(this.bytes)} in ${elapsed}` : elapsed;
  }
}
