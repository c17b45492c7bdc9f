/** One request and its response, for the log that tests read. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Fault, Part } from './hub-faults.ts';

/** One request, with the response it got. */
export interface HubRequest {
  part: Part;
  method: string;
  /** Without signatures. */
  path: string;
  status: number;
  range: string | undefined;
  /** Whether it had an Authorization header. */
  authorized: boolean;
  /** Bytes of the response body sent. */
  bytes: number;
}

/** A request while the hub handles it. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  fault: Fault | undefined;
  entry: HubRequest;
  readonly #log: HubRequest[];

  constructor(request: IncomingMessage, response: ServerResponse, log: HubRequest[]) {
    this.request = request;
    this.response = response;
    this.url = new URL(request.url ?? '/', 'http://hub');
    this.#log = log;
    this.entry = {
      part: 'api',
      method: request.method ?? '',
      path: this.url.pathname,
      status: 0,
      range: request.headers.range,
      authorized: request.headers.authorization !== undefined,
      bytes: 0,
    };
  }

  record(part: Part): HubRequest {
    const { entry } = this;
    entry.part = part;
    this.#log.push(entry);
    const { response } = this;
    const writeHead = response.writeHead.bind(response);
    response.writeHead = ((status: number, ...rest: []) => {
      entry.status = status;
      return writeHead(status, ...rest);
    }) as typeof response.writeHead;
    return entry;
  }
}
