import { isIP } from 'node:net';
import { connect } from 'node:tls';

/** Milliseconds to complete a handshake, whether or not the host has begun to respond. */
const patience = 5000;

/**
 * Whether the host and port of an https URL speak TLS, with any certificate. Sends only the handshake. False also when
 * the host does not respond. Loads no certificate authorities: that takes longer than the rest of a short push.
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
