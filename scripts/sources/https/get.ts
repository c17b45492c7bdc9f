import { Readable } from 'node:stream';
import { discard, drop, headerOf } from '../../http/body.ts';
import { waitOf } from '../../http/client.ts';
import type { PartialBody } from '../../http/download.ts';
import { RequestFailure } from '../../http/failure.ts';
import { transmit } from '../../http/redirects.ts';
import type { HttpResponse, Transport } from '../../http/transport.ts';
import { plain } from '../../text/format.ts';
import { answerFailure, httpsAdvice } from './failure.ts';

/** Milliseconds: storage that restores a file from a slow tier takes its time. */
const headersTimeout = 60_000;

export interface RangeRequest {
  /** The start of error messages: "read https://host/model.onnx". */
  what: string;
  url: URL;
  /** The first byte to read. */
  offset: number;
  /** Strong ETag of the bytes before `offset`: if it no longer matches, the server sends the whole file. */
  etag?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** A part of a file, and the content type that the server states. */
export interface RangeResponse extends PartialBody {
  /** Lower case; empty if the server sends none. */
  contentType: string;
}

/**
 * One GET without credentials, from `offset` on, over at most 5 redirects; none may leave TLS or lead from a public
 * host to a private address. Fails with a RequestFailure. Never retries.
 */
export async function get(transport: Pick<Transport, 'send'>, request: RangeRequest): Promise<RangeResponse> {
  const { what, offset, etag, signal } = request;
  const headers: Record<string, string> = {
    accept: '*/*',
    'accept-encoding': 'identity',
  };
  if (offset > 0) headers.range = `bytes=${offset}-`;
  if (offset > 0 && etag !== undefined) headers['if-range'] = etag;
  const { answer, url } = await transmit(transport, request.url, {
    what,
    method: 'GET',
    headers,
    signal,
    headersTimeout,
    advice: httpsAdvice,
    mayBePlain: () => false,
  });
  return await take(request, url, answer);
}

async function take(request: RangeRequest, url: URL, answer: HttpResponse): Promise<RangeResponse> {
  const { what, offset } = request;
  const { host } = url;
  const got = (start: number, total: number | undefined): RangeResponse => {
    const etag = headerOf(answer, 'etag');
    return {
      host,
      start,
      total,
      etag: etag !== undefined && /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(etag) ? etag : undefined,
      contentType: headerOf(answer, 'content-type')?.toLowerCase() ?? '',
      body: answer.body,
      drop: () => drop(answer),
    };
  };
  const range = /^bytes (?:(\d{1,15})-(\d{1,15})|\*)\/(\d{1,15}|\*)$/.exec(
    headerOf(answer, 'content-range') ?? '',
  );
  const total = range?.[3] === undefined || range[3] === '*' ? undefined : Number(range[3]);
  const { statusCode: status } = answer;
  if (status === 200 || status === 206) {
    const coding = headerOf(answer, 'content-encoding') ?? 'identity';
    if (!/^(identity|)$/i.test(coding.trim())) {
      drop(answer);
      const problem = `${host} sends it compressed (${plain(coding)}), though not asked to`;
      throw sourceFailure(what, problem, 'download it and use a `file:` source');
    }
  }
  if (status === 200) {
    const length = headerOf(answer, 'content-length');
    return got(0, length === undefined || !/^\d{1,15}$/.test(length) ? undefined : Number(length));
  }
  if (status === 206 && offset > 0 && range?.[1] === String(offset)) return got(offset, total);
  // The connection broke after the last byte.
  if (status === 416 && offset > 0 && total === offset)
    return { ...got(offset, total), body: Readable.from([]) };
  await discard(answer);
  if (status === 416 && total !== undefined) {
    throw new RequestFailure(`${what}: it has ${total} bytes now, ${offset} were there before`, {
      code: 'integrity',
      next: 'run `modelcars lock --upgrade` if the change is meant',
      status,
    });
  }
  if (status === 206)
    throw sourceFailure(what, `${host} sends another range than asked for`, 'use another server');
  throw answerFailure(
    what,
    host,
    status,
    waitOf((name) => headerOf(answer, name)),
  );
}

function sourceFailure(what: string, problem: string, next: string): RequestFailure {
  return new RequestFailure(`${what}: ${problem}`, { code: 'source', next });
}
