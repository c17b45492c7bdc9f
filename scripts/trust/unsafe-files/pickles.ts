import { Sequence, type Value } from '../../artifacts/pickle/values.ts';
import { Unreadable } from '../../artifacts/source.ts';
import type { ByteStream } from './byte-stream.ts';
import { FactsSoFar } from './facts.ts';
import { legacyTorch } from './pickle/counted.ts';
import { type PickleContext, walkPickle } from './pickle/machine.ts';
import { torchStorages } from './torch.ts';

/** Storages of a checkpoint in the format before version 1.6 of PyTorch. */
const mostStorages = 100_000;

/**
 * Walks the pickle that a file consists of, or the pickles and raw storages that `torch.save` wrote before version 1.6.
 * Throws Unreadable, also when bytes follow: some readers go on with them.
 */
export async function walkPickles(stream: ByteStream, context: PickleContext): Promise<void> {
  const value = await walkPickle(stream, context);
  if (value === legacyTorch) await walkLegacyTorch(stream, context);
  await stream.mustEnd('the end of its pickle');
}

/** Magic number, protocol, machine, the object, the keys of its storages, then each storage (torch/serialization.py). */
async function walkLegacyTorch(stream: ByteStream, context: PickleContext): Promise<void> {
  const storages = torchStorages();
  await walkPickle(stream, context);
  await walkPickle(stream, context);
  await walkPickle(stream, { ...context, persistent: (id: Value) => storages.note(id) });
  const keys = await walkPickle(stream, { ...context, mostItems: mostStorages });
  if (!(keys instanceof Sequence) || keys.items.length !== keys.length)
    throw new Unreadable('has storages that cannot be listed');
  for (const key of keys.items) {
    const width = typeof key === 'string' ? storages.elementSize(key) : undefined;
    if (width === undefined) throw new Unreadable('has a storage of an unknown type');
    const count = Number((await stream.read(8)).readBigInt64LE());
    const bytes = count * width;
    if (count < 0 || !Number.isSafeInteger(bytes))
      throw new Unreadable('has a storage of an impossible size');
    await stream.skip(bytes);
  }
}

/**
 * Looks for a pickle without a mark (protocols 0 and 1) in a file that nothing says is one. It counts when it ends, and
 * imports something: no text does by chance.
 */
export async function probePickle(stream: ByteStream, context: PickleContext): Promise<void> {
  const facts = new FactsSoFar();
  try {
    await walkPickle(stream, { ...context, facts });
  } catch (error) {
    if (error instanceof Unreadable) return;
    throw error;
  }
  for (const { module, name, offset } of facts.all().imports) context.facts.import(module, name, offset);
}
