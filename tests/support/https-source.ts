import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach } from 'vitest';
import type { LockedFile } from '../../scripts/model/types.ts';
import { httpsSource } from '../../scripts/sources/https/source.ts';
import { collect, sha256 } from './outcome.ts';

export const content = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7 + (at >> 8)) % 251));

export const source = httpsSource({ env: {}, retry: { tries: 3, delay: 1 } });

export const all = () => true;

/**
 * Sends a file as a well-behaved server does: ranges, If-Range, an ETag. `cut`: the connection breaks after this many
 * bytes.
 */
export function send(
  request: IncomingMessage,
  response: ServerResponse,
  options: { body?: Buffer; etag?: string; ranges?: boolean; cut?: number | undefined } = {},
): void {
  const { body = content, etag = '"one"', ranges = true, cut } = options;
  const match = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const same = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
  const start = ranges && match && same ? Number(match[1]) : 0;
  const tag = etag === '' ? {} : { etag };
  const rest = body.subarray(start);
  if (start > 0) {
    const range = `bytes ${start}-${body.length - 1}/${body.length}`;
    response.writeHead(206, { ...tag, 'content-range': range, 'content-length': rest.length });
  } else response.writeHead(200, { ...tag, 'content-length': rest.length });
  if (cut === undefined) response.end(rest);
  else response.write(rest.subarray(0, cut), () => setTimeout(() => response.destroy(), 20));
}

export const locked: LockedFile = { path: 'model.onnx', size: content.length, sha256: sha256(content) };

/** A server on loopback for `https:` sources, new for each test. */
export const server = {
  origin: '',
  requests: [] as IncomingMessage[],
  /** Answers request number `number`, counted from 1. */
  answer: (_request: IncomingMessage, response: ServerResponse, _number: number): void => void response.end(),
  close: async (): Promise<void> => {},
};

/** Starts `server` before each test of a file and stops it afterwards. */
export function useServer(): void {
  beforeEach(async () => {
    server.requests = [];
    const http = createServer((request, response) => {
      server.requests.push(request);
      server.answer(request, response, server.requests.length);
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    server.origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    server.close = async () => {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    };
  });
  afterEach(async () => await server.close());
}

/** The bytes of `model.onnx` on the server, from `offset`. */
export const read = (offset = 0, file = locked, signal?: AbortSignal) =>
  collect(source.open(`${server.origin}/model.onnx`, `sha256:${file.sha256}`, file, offset, signal));
