/** Walks bytes as the gate does while a file streams past. */
import { type Facts, spelled } from '../../scripts/trust/unsafe-files/facts.ts';
import { FileWalk } from '../../scripts/trust/unsafe-files/walk.ts';

/** What a walk finds, for bytes pushed in chunks of a size; each chunk is overwritten once the walk took it. */
export async function walked(bytes: Uint8Array, path = 'model.pkl', chunk = 65_536): Promise<Facts> {
  const walk = new FileWalk(path, bytes.length);
  let before: Buffer | undefined;
  for (let at = 0; at < bytes.length; at += chunk) {
    const part = Buffer.from(bytes.subarray(at, at + chunk));
    await walk.push(part);
    // Streams reuse their buffers: a walk that kept the one before would read zeros.
    before?.fill(0);
    before = part;
  }
  return await walk.end();
}

/** The imports as messages spell them, and the findings, in order. */
export async function found(bytes: Uint8Array, path?: string, chunk?: number): Promise<string[]> {
  const { imports, findings } = await walked(bytes, path, chunk);
  return [...imports.map(spelled), ...findings.map(({ rule, detail }) => `${rule}: ${detail}`)];
}
