import { type AddressInfo, createServer, type Server } from 'node:net';
import fc from 'fast-check';
import { bytesOf, hostileValues } from '../support/hostile-values.ts';

export interface RawResponse {
  status: number;
  /** Header lines, as sent. */
  headers: string[];
  body: Uint8Array;
}

/** A server on loopback that sends exactly the bytes given to it, one connection per request. */
export class FuzzServer {
  /** The response to a request line (`GET /v2/…`). */
  answer: (request: string) => RawResponse = () => ({ status: 500, headers: [], body: Buffer.alloc(0) });
  requests = 0;
  host = '';
  readonly #server: Server = createServer((socket) => {
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      if (!text.includes('\r\n\r\n')) return;
      this.requests++;
      const { status, headers, body } = this.answer(text.slice(0, text.indexOf('\r\n')));
      text = '';
      const head = [`HTTP/1.1 ${status} X`, 'Connection: close', ...headers].join('\r\n');
      socket.end(Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), body]));
    });
  });

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): Promise<unknown> {
    return new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A valid value or a mutated one, as one line of latin1: a header can carry nothing more. */
export function line(...valid: string[]): fc.Arbitrary<string> {
  const spoiled = fc
    .constantFrom(...valid)
    .chain((text) => bytesOf(Buffer.from(text)).map((bytes) => bytes.toString('latin1')));
  const strange = hostileValues.map((value) =>
    String(typeof value === 'object' ? JSON.stringify(value) : value).slice(0, 6000),
  );
  return fc
    .oneof(
      { weight: 3, arbitrary: fc.constantFrom(...valid) },
      { weight: 2, arbitrary: spoiled },
      { weight: 1, arbitrary: strange },
    )
    .map((text) =>
      Buffer.from(text, 'utf8')
        .toString('latin1')
        .replaceAll(/[\r\n\0]/g, ' '),
    );
}

/** Only URLs that lead to this machine: the test contacts no other. */
export function local(arbitrary: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return arbitrary.filter((text) => {
    for (const [url] of text.matchAll(/(?:[a-z][a-z0-9+.-]*:)?\/\/[^\s"<>,;]*/gi))
      if (URL.canParse(url, 'http://127.0.0.1') && new URL(url, 'http://127.0.0.1').hostname !== '127.0.0.1')
        return false;
    return (
      !URL.canParse(text, 'http://127.0.0.1/v2/') ||
      new URL(text, 'http://127.0.0.1/v2/').hostname === '127.0.0.1'
    );
  });
}

export const places = [
  '/v2/me/x/blobs/uploads/1?state=2',
  '1',
  'http://127.0.0.1:1/up',
  'https://127.0.0.1:1/up',
  '//127.0.0.1:1/',
  '?a',
  '#',
  'data:,x',
  'file:///etc/passwd',
  'http://127.0.0.1:99999/',
];
