import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { parseHead } from './head.ts';

const head = (...lines: string[]) => parseHead(['HTTP/1.1 200 OK', ...lines].join('\r\n'));

describe('the head of a response', () => {
  it('has a status, headers with lower-case names and trimmed values, and a length', () => {
    expect(
      parseHead('HTTP/1.1 206 Partial Content\r\nContent-Length: 7\r\nX-A: \t b, c \t\r\nX-Empty:'),
    ).toEqual({
      status: 206,
      headers: { 'content-length': '7', 'x-a': 'b, c', 'x-empty': '' },
      length: 7,
      keepAlive: true,
    });
  });

  it('needs no reason phrase, with or without the space', () => {
    expect(parseHead('HTTP/1.1 200 ')?.status).toBe(200);
    expect(parseHead('HTTP/1.1 200')?.status).toBe(200);
  });

  test.each([
    'HTTP/2 200',
    'HTTP/1.2 200 OK',
    'http/1.1 200 OK',
    'HTTP/1.1  200 OK',
    'HTTP/1.1 099 OK',
    'HTTP/1.1 2000 OK',
    'HTTP/1.1 20 OK',
    'SSH-2.0-OpenSSH_9.2',
    '',
  ])('cannot be %j', (line) => {
    expect(parseHead(line)).toBeUndefined();
  });

  test.each([
    ['a folded line', 'X-A: b\r\n c'],
    ['a line folded with a tab', 'X-A: b\r\n\tContent-Length: 3'],
    ['a space before the colon', 'Content-Length : 3'],
    ['no name', ': 3'],
    ['no colon', 'Content-Length'],
    ['an empty line', ''],
    ['a name with a space', 'Content Length: 3'],
    ['a bare CR', 'X-A: b\rContent-Length: 3'],
    ['a bare LF', 'X-A: b\nContent-Length: 3'],
    ['a NUL', 'X-A: b\0c'],
  ])('with %s is rejected', (_, line) => {
    expect(head(line)).toBeUndefined();
    expect(head('Content-Length: 3', line)).toBeUndefined();
  });

  test.each(['', '-1', '+5', '0x5', '5 5', '1e3', '5, 6', '5,', ',5', '5;', '9'.repeat(16), '٣'])(
    'with the length %j is rejected',
    (length) => {
      expect(head(`Content-Length: ${length}`)).toBeUndefined();
    },
  );

  it('is rejected when two lengths differ, and has one length when they agree', () => {
    expect(head('Content-Length: 5', 'Content-Length: 6')).toBeUndefined();
    expect(head('Content-Length: 5', 'content-length: 05')).toBeUndefined();
    expect(head('Content-Length: 5', 'X: y', 'content-length: 5')?.length).toBe(5);
    expect(head('Content-Length: 5,5 , 5')?.length).toBe(5);
  });

  test.each([
    ['chunked', ['Transfer-Encoding: chunked']],
    ['chunked, with a length', ['Content-Length: 5', 'Transfer-Encoding: chunked']],
    ['another transfer coding', ['Transfer-Encoding: identity', 'Content-Length: 5']],
    ['gzip', ['Content-Encoding: gzip', 'Content-Length: 5']],
    ['identity and gzip', ['Content-Encoding: identity, gzip', 'Content-Length: 5']],
    ['ended by closing the connection', []],
  ])('has no length when the body is %s', (_, lines) => {
    expect(head(...lines)).toMatchObject({ status: 200, length: undefined });
  });

  it('treats the content coding "identity" as none', () => {
    expect(head('Content-Encoding: Identity', 'Content-Length: 5')?.length).toBe(5);
  });

  test.each([204, 304])('of a %i means no body, whatever its headers', (status) => {
    const lengths = ['', '\r\nContent-Length: 5', '\r\nTransfer-Encoding: chunked'];
    expect(lengths.map((line) => parseHead(`HTTP/1.1 ${status} -${line}`)?.length)).toEqual([0, 0, 0]);
  });

  it('states whether the connection can be reused', () => {
    expect(head('Connection: keep-alive')?.keepAlive).toBe(true);
    expect(head('Connection: Foo, Close')?.keepAlive).toBe(false);
    expect(head('Connection: foo', 'connection: CLOSE')?.keepAlive).toBe(false);
    expect(parseHead('HTTP/1.0 200 OK\r\nConnection: keep-alive')?.keepAlive).toBe(false);
  });

  it('joins headers with the same name, and has no inherited ones', () => {
    const headers = head('__proto__: a', 'X: 1', 'x: 2')?.headers;
    expect(Object.entries(headers ?? {})).toEqual([
      ['__proto__', 'a'],
      ['x', '1, 2'],
    ]);
    expect(headers?.constructor).toBeUndefined();
  });

  it('is parsed in linear time', () => {
    const spaces = ' '.repeat(60_000);
    const began = process.threadCpuUsage().user;
    expect(head(`X-A: a${spaces}b`)?.headers['x-a']).toHaveLength(60_002);
    expect(head(`Content-Length: 5${spaces}5`)).toBeUndefined();
    // With backtracking over the spaces, each took more than a second.
    expect(process.threadCpuUsage().user - began).toBeLessThan(300_000);
  });

  it('never has a length that is not a whole number, and never throws', () => {
    const part = fc.constantFrom(
      'HTTP/1.1 200 OK',
      '\r\n',
      'Content-Length',
      ':',
      ' ',
      '5',
      '6',
      ',',
      'Transfer-Encoding: chunked',
      '\0',
      '\n',
      'x',
      'é',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 14 }), fc.uint8Array({ maxLength: 9 }), (parts, bytes) => {
        const read = parseHead(
          `HTTP/1.1 200 OK\r\n${parts.join('')}${Buffer.from(bytes).toString('latin1')}`,
        );
        if (read?.length !== undefined) {
          expect(Number.isSafeInteger(read.length) && read.length >= 0).toBe(true);
          expect(read.headers['transfer-encoding']).toBeUndefined();
        }
      }),
      { numRuns: 300 },
    );
  });
});
