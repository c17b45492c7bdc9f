import { Scalars } from '../../../artifacts/pickle/scalars.ts';
import { Bytes, type Value } from '../../../artifacts/pickle/values.ts';

/** The first value of a file of `torch.save` before version 1.6 (torch/serialization.py, MAGIC_NUMBER). */
const torchMagic = '6cfc9c46f9206aa85019';
export const legacyTorch = new Bytes(Buffer.from(torchMagic, 'hex'), 10);
const long1 = 0x8a;

/** The value of an opcode with its length before it; that of bytes is not needed. */
export function counted(opcode: number, bytes: Buffer): Value {
  if (opcode === long1 && bytes.length === 10 && bytes.toString('hex') === torchMagic) return legacyTorch;
  const value = Scalars.counted(opcode, bytes, bytes.length);
  return value instanceof Bytes ? undefined : value;
}
