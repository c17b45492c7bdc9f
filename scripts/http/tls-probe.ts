import { isIP } from 'node:net';
import { connect } from 'node:tls';

/** Milliseconds that a host has for a handshake, which it has begun to answer or not. */
const patience = 5000;

/**
 * Whether the host and port of an https URL speak TLS, with whatever certificate: nothing is sent to them but the handshake. False as
 * well where nobody answers. It reads no certificate authorities, which takes longer than all the rest of a short push.
 */
export async function speaksTls(url: URL, signal?: AbortSignal): Promise<boolean> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({
    host,
    port: Number(url.port || 443),
    ...(isIP(host) === 0 && { servername: host }),
    ca: [],
    rejectUnauthorized: false,
  });
  const stop = () => socket.destroy();
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  socket
    .setTimeout(patience, stop)
    .once('secureConnect', () => {
      resolve(true);
      stop();
    })
    .on('error', () => resolve(false))
    .once('close', () => resolve(false));
  try {
    return await promise;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
