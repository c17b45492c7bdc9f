import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { Pace, startThrottle } from './throttle.ts';

test('a connection waits for as long as its bytes take at its rate, less a short burst', () => {
  const pace = new Pace(1000);
  expect(pace.sent(10, 5)).toBe(0);
  expect(pace.sent(490, 5)).toBeCloseTo(0.48);
  expect(pace.sent(500, 5.5)).toBeCloseTo(0.48);
});

test('a pause earns no credit', () => {
  const pace = new Pace(1000);
  pace.sent(100, 0);
  expect(pace.sent(100, 60)).toBeCloseTo(0.08);
});

test('bytes arrive unchanged in both directions, and the server sees the name that the client used', async () => {
  const body = Buffer.alloc(3_000_001, 'model');
  const server = createServer(async (incoming, response) => {
    const digest = createHash('sha256')
      .update(await buffer(incoming))
      .digest('hex');
    response
      .setHeader('x-host', incoming.headers.host ?? '')
      .setHeader('x-sent', digest)
      .end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const throttle = await startThrottle(`127.0.0.1:${(server.address() as AddressInfo).port}`, 100e6);
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request(`http://${throttle.host}/`, { method: 'POST' }, resolve).on('error', reject).end(body);
    });
    expect(body.equals(await buffer(response))).toBe(true);
    expect(response.headers['x-sent']).toBe(createHash('sha256').update(body).digest('hex'));
    expect(response.headers['x-host']).toBe(throttle.host);
  } finally {
    throttle.stop();
    server.closeAllConnections();
    server.close();
  }
});
