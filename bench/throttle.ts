/**
 * A TCP proxy that limits what each connection receives: as a registry, a hub or an S3 far away. In a separate process,
 * so that it takes no time from the measured ones' parent.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { startServer } from './server-process.ts';

export interface Throttle {
  /** `127.0.0.1:PORT` */
  host: string;
  stop(): void;
}

/** Starts one in front of `target` (`HOST:PORT`); `rate` in bytes per second of each connection. */
export async function startThrottle(target: string, rate: number): Promise<Throttle> {
  const { address, stop } = await startServer(import.meta.filename, [target, `${rate}`]);
  return { host: address, stop };
}

/** Seconds that a connection may send ahead of its rate: its timer is no finer than some milliseconds. */
const burst = 0.02;

/** The rate of one connection. Times in seconds, of any clock. */
export class Pace {
  readonly #rate: number;
  /** When everything sent so far would have arrived at this rate. */
  #arrived = 0;

  constructor(rate: number) {
    this.#rate = rate;
  }

  /** Counts bytes sent at `now`; returns the seconds to wait before sending more. A pause is not made up for later. */
  sent(bytes: number, now: number): number {
    this.#arrived = Math.max(this.#arrived, now) + bytes / this.#rate;
    return Math.max(0, this.#arrived - now - burst);
  }
}

function forward(client: Socket, target: string, rate: number): void {
  const [host = '', port = ''] = target.split(':');
  const server = connect(Number(port), host);
  const pace = new Pace(rate);
  client.pipe(server);
  server.on('data', (chunk) => {
    const wait = pace.sent(chunk.length, performance.now() / 1000);
    const isFull = !client.write(chunk);
    if (wait === 0 && !isFull) return;
    server.pause();
    const drained = isFull ? new Promise((resolve) => client.once('drain', resolve)) : undefined;
    setTimeout(async () => {
      await drained;
      server.resume();
    }, wait * 1000);
  });
  server.on('end', () => client.end());
  for (const [one, other] of [
    [client, server],
    [server, client],
  ] as const)
    one.on('error', () => other.destroy()).on('close', () => other.destroy());
}

if (import.meta.main) {
  const [target = '', rate = ''] = process.argv.slice(2);
  const server = createServer((client) => forward(client, target, Number(rate)));
  server.listen(0, '127.0.0.1', () => console.log(`127.0.0.1:${(server.address() as AddressInfo).port}`));
  process.stdin.resume().on('end', () => process.exit());
}
