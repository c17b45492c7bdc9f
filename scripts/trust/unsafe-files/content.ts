import { Unreadable } from '../../artifacts/source.ts';
import { quoted } from '../../formats/reader.ts';
import type { ByteStream } from './byte-stream.ts';
import {
  checkConfig,
  checkGguf,
  checkKerasConfig,
  checkOnnx,
  checkSafetensors,
  checkSavedModel,
} from './formats.ts';
import { formatOf, headBytes } from './magic.ts';
import { names } from './names.ts';
import { walkNpy } from './npy.ts';
import { probePickle, walkPickles } from './pickles.ts';
import { find, type Place } from './place.ts';
import { torchStorages } from './torch.ts';
import { type Packing, unpacked } from './unpack.ts';
import { walkZip } from './walk-zip.ts';

/** Archives and compressed files in each other. */
const mostDepth = 4;

/**
 * Walks a file's content by what its first bytes show, then by its name, and adds to `facts`: imports, code, and
 * whatever cannot be read although it may run code. Throws nothing but the stream's own errors.
 */
export async function walkContent(stream: ByteStream, place: Place): Promise<void> {
  try {
    if (place.depth > mostDepth) throw new Unreadable('has archives in archives');
    if (names.isCode(place.name)) find(place, 'code', 'is code, by its name');
    await dispatch(stream, place);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    find(place, 'unread', error.message);
  }
}

async function dispatch(stream: ByteStream, place: Place): Promise<void> {
  await stream.offers(headBytes);
  const head = Buffer.from(stream.here().subarray(0, headBytes));
  const format = formatOf(head, names.isPickle(place.name));
  switch (format) {
    case 'executable':
      find(place, 'code', 'is a program or a library, by its first bytes');
      return;
    case 'script':
      find(place, 'code', 'is a script, by its first bytes');
      return;
    case 'pickle':
      refuseDisguise(place, 'a pickle');
      await walkPickles(stream, place);
      return;
    case 'zip':
      refuseDisguise(place, 'a ZIP archive');
      await walkArchive(stream, place);
      return;
    case 'npy':
      await walkNpy(stream, place);
      return;
    case 'zlib':
    case 'gzip':
    case 'zstd':
      await walkPacked(stream, place, format);
      return;
    case 'gguf':
      await checkGguf(stream, place);
      return;
    case 'hdf5':
      // Keras reads nothing but numbers from the weights in its own archive.
      if (place.depth > 0 && place.name === 'model.weights.h5') return;
      throw new Unreadable('is an HDF5 file, in which Keras can hide code');
    case 'tar':
      throw new Unreadable('is a tar archive, whose members are not checked');
    case 'bzip2':
    case 'xz':
    case 'lzma':
    case 'lz4':
      throw new Unreadable(`is compressed by ${format}, which cannot be unpacked here`);
    default:
      await byName(stream, place, head);
  }
}

/** The content is nothing in particular, or of a format that runs no code. */
async function byName(stream: ByteStream, place: Place, head: Buffer): Promise<void> {
  const { name } = place;
  if (names.isPickle(name) && head.length > 0) await walkPickles(stream, place);
  else if (names.isArchive(name)) throw new Unreadable('is not a ZIP archive');
  else if (/\.safetensors$/i.test(name)) await checkSafetensors(stream, place);
  else if (names.isConfig(name)) await checkConfig(stream, place);
  else if (/\.onnx$/i.test(name)) await checkOnnx(stream, place);
  else if (/(^|\/)(saved_model|keras_metadata)\.pb$/.test(name)) await checkSavedModel(stream, place);
  else await probePickle(stream, place);
}

/** A name of a format without code, for content with code: nothing of that name would be read as what it is. */
function refuseDisguise(place: Place, what: string): void {
  if (/\.(safetensors|gguf|onnx|json|txt|md)$/i.test(place.name))
    find(place, 'unread', `is ${what}, not what its name says`);
}

async function walkPacked(stream: ByteStream, place: Place, packing: Packing): Promise<void> {
  const inner = unpacked(stream, packing);
  try {
    const { size: _, ...rest } = place;
    await walkContent(inner.stream, { ...rest, name: names.unpacked(place.name), depth: place.depth + 1 });
    if (place.facts.isUnread) return;
    await inner.close();
  } finally {
    inner.leave();
  }
  await stream.mustEnd('its compressed data');
}

async function walkArchive(stream: ByteStream, place: Place): Promise<void> {
  const storages = torchStorages();
  await walkZip(stream, {
    expects: (name) => storages.expects(name),
    visit: async (name, content) => {
      const { size: _, ...rest } = place;
      const inside = `${place.inside ?? ''}${place.inside === undefined ? '' : ' '}has a member ${quoted(name)} that`;
      const member = { ...rest, name, depth: place.depth + 1, inside };
      if (storages.isStorage(name)) return;
      const persistent = storages.begin(name);
      if (persistent !== undefined) await walkContent(content, { ...member, persistent });
      else if (name === 'config.json') await checkKerasConfig(content, member);
      else await walkContent(content, member);
    },
  });
}
