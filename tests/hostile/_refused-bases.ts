/** Base images that would change the model, are impossible, or exceed a limit. */
import { zstdCompressSync } from 'node:zlib';
import { mediaTypes } from '../../scripts/image/types.ts';
import { type FakeRegistry, sha256 } from '../support/fake-registry.ts';
import { directory, member, pax } from '../support/odd-tars.ts';
import { type BaseSpec, gzipped, layer, putManifest } from './_bases.ts';

/** A member that would add a file to the model. */
export const evil = { name: 'models/evil.pkl', content: 'cos\nsystem' };
/** A GNU long-name member. */
const long = (name: string) => member({ name: '././@LongLink', type: 'L', content: `${name}\0` });
/** Bases that `lock` refuses, by name, each with the reported error. */
export const refusedBases = (registry: FakeRegistry): Record<string, [BaseSpec, RegExp]> => ({
  'file-in-models': [{ layers: [layer(evil)] }, /models\/evil\.pkl: a base must not contain \/models/],
  'dotted-name': [
    { layers: [layer({ ...evil, name: './a/../models/evil' })] },
    /a base must not contain \/models/,
  ],
  'folder-models': [{ layers: [layer(directory('models/'))] }, /models\/: a base must not contain \/models/],
  'link-models': [
    { layers: [layer({ name: 'models', type: '2', link: '/etc' })] },
    /models: a base must not contain \/models/,
  ],
  'through-a-link': [
    { layers: [layer({ name: 'srv', type: '2', link: '/models' }), layer({ name: 'srv/evil' })] },
    /srv\/evil: ends up at \/models\/evil through a link/,
  ],
  'hard-link': [
    { layers: [layer({ name: 'x', type: '1', link: '/models/m' })] },
    /x: a base must not contain \/models/,
  ],
  whiteout: [{ layers: [layer({ name: '.wh.models' })] }, /\.wh\.models: a base must not contain \/models/],
  opaque: [
    { layers: [layer({ name: '.wh..wh..opq' })] },
    /\.wh\.\.wh\.\.opq: a base must not contain \/models/,
  ],
  'whiteout-of-dots': [
    { layers: [layer({ name: 'etc/.wh...' })] },
    /etc\/\.wh\.\.\.: a base must not contain \/models/,
  ],
  compressed: [{ layers: [gzipped(layer(evil))] }, /models\/evil\.pkl: a base must not contain/],
  'name-in-gnu-times': [
    { layers: [layer({ name: 'evil', edit: (block) => void block.write('models', 345) })] },
    /access time that is no number/,
  ],
  'empty-pax-name': [
    { layers: [layer({ ...evil, before: pax('path', '') })] },
    /a base must not contain \/models/,
  ],
  'two-long-names': [
    { layers: [layer({ name: 'x', before: Buffer.concat([long('models/evil'), pax('path', 'etc/fine')]) })] },
    /readers differ on which one wins/,
  ],
  'diff-id-lies': [
    { layers: [{ ...layer({ name: 'a' }), diffId: sha256(Buffer.from('other')) }] },
    /unpacked, the layer has the digest sha256:\w+, the config has sha256:/,
  ],
  'no-tar': [{ layers: [{ blob: Buffer.from('MZ'.repeat(5000)) }] }, /a header has a/],
  'torn-tar': [
    { layers: [{ blob: layer({ name: 'a', content: 'x' }).blob.subarray(0, 700) }] },
    /ends in the middle/,
  ],
  'no-gzip': [
    { layers: [{ ...layer({ name: 'a' }), mediaType: mediaTypes.layerGzip }] },
    /the blob is not gzip/,
  ],
  bomb: [
    {
      layers: [
        {
          blob: Buffer.concat(
            Array.from({ length: 10 }, () => zstdCompressSync(Buffer.alloc(64 * 1024 ** 2))),
          ),
          mediaType: mediaTypes.layerZstd,
        },
      ],
    },
    /the blob is not zstd: it unpacks to far more bytes/,
  ],
  'exabyte-member': [
    {
      layers: [
        layer({
          name: 'a',
          edit: (block) => void Buffer.from('800000001000000000000000', 'hex').copy(block, 124),
        }),
      ],
    },
    /a size beyond 2\^53/,
  ],
  'foreign-layer': [
    {
      layers: [
        {
          ...layer({ name: 'a' }),
          mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
          descriptor: { urls: ['https://example.invalid/layer'] },
        },
      ],
    },
    /layer 1 is application\/vnd\.docker\.image\.rootfs\.foreign\.diff\.tar\.gzip, which cannot be copied/,
  ],
  'ten-thousand-layers': [
    { editManifest: (manifest) => ({ ...manifest, layers: Array(10_000).fill(at(manifest.layers)) }) },
    /layers is beyond 1000/,
  ],
  'two-hundred-layers': [
    {
      editConfig: (config) => ({
        ...config,
        rootfs: { type: 'layers', diff_ids: Array(200).fill(sha256(Buffer.from(''))) },
      }),
      editManifest: (manifest) => ({ ...manifest, layers: Array(200).fill(at(manifest.layers)) }),
    },
    /it has 200 layers, over 126/,
  ],
  'negative-size': [
    { layers: [{ ...layer({ name: 'a' }), descriptor: { size: -1 } }] },
    /layers\.0\.size is below 0/,
  ],
  'size-of-2-to-53': [
    { layers: [{ ...layer({ name: 'a' }), descriptor: { size: 2 ** 53 } }] },
    /layers\.0\.size is beyond|layers\.0\.size is not/,
  ],
  'nine-petabytes': [
    { layers: [{ ...layer({ name: 'a' }), descriptor: { size: 2 ** 53 - 1 } }] },
    /its layers claim 9007199254740991 bytes/,
  ],
  'no-such-layer': [
    { layers: [{ ...layer({ name: 'a' }), descriptor: { digest: sha256(Buffer.from('none')) } }] },
    /answered 404/,
  ],
  'wrong-layer': [
    { layers: [{ ...layer({ name: 'a' }), descriptor: { size: 100 } }] },
    /it has at least \d+ bytes, not 100/,
  ],
  'huge-environment': [
    { config: { config: { Env: [`A=${'x'.repeat(200_000)}`] } } },
    /its environment has 200003 bytes, Linux allows 131072/,
  ],
  'nul-in-environment': [{ config: { config: { Env: ['A=\0'] } } }, /its environment contains a NUL/],
  'no-environment': [{ config: { config: { Env: [5] } } }, /config\.Env\.0 is not of the type string/],
  'megabytes-of-labels': [
    { config: { config: { Labels: { a: 'x'.repeat(2 * 1024 ** 2) } } } },
    /its config has \d+ bytes, over 1048576/,
  ],
  'config-of-five-megabytes': [
    { config: { config: { Labels: { a: 'x'.repeat(5 * 1024 ** 2) } } } },
    /larger than 4 MiB/,
  ],
  'deep-history': [
    {
      editConfig: (config) =>
        JSON.stringify({ ...config, history: ['deep'] }).replace(
          '"deep"',
          `{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
        ),
    },
    /history\.0\.a is malformed/,
  ],
  'deep-config': [
    { editConfig: () => '['.repeat(100_000) + ']'.repeat(100_000) },
    /it is not of the type object/,
  ],
  'no-json': [{ editManifest: () => '{"schemaVersion": NaN}' }, /it is not JSON/],
  'manifest-of-five-megabytes': [
    { editManifest: (manifest) => ({ ...manifest, annotations: { a: 'x'.repeat(5 * 1024 ** 2) } }) },
    /larger than 4 MiB/,
  ],
  'index-of-an-index': [
    {
      editIndex: (index) => ({
        ...index,
        manifests: [{ ...at(index.manifests), mediaType: mediaTypes.index }],
      }),
    },
    /what it has for linux\/amd64 is no image but application\/vnd\.oci\.image\.index/,
  ],
  'index-as-a-manifest': [
    {
      editIndex: (index) => {
        const inner = putManifest(registry, 'bases/index-as-a-manifest', mediaTypes.index, index);
        return { ...index, manifests: [{ ...at(index.manifests), digest: inner.digest, size: inner.size }] };
      },
    },
    /config is not of the type object/,
  ],
  'no-such-platform': [
    {
      editIndex: (index) => ({
        ...index,
        manifests: [{ ...at(index.manifests), platform: { os: 'windows', architecture: 'amd64' } }],
      }),
    },
    /it has no linux\/amd64, only windows\/amd64/,
  ],
  'a-thousand-platforms': [
    {
      editIndex: (index) => ({
        ...index,
        manifests: Array.from({ length: 9000 }, (_, nth) => ({
          ...at(index.manifests),
          platform: { os: 'x', architecture: `${nth}` },
        })),
      }),
    },
    /only x\/0, x\/1, .{0,200} and 8988 more/,
  ],
  'terminal-platform': [
    {
      editIndex: (index) => ({
        ...index,
        manifests: [{ ...at(index.manifests), platform: { os: '\u001b[2J', architecture: 'a' } }],
      }),
    },
    /manifests\.0\.platform\.os is not a word/,
  ],
  'another-platform': [{ config: { architecture: 'arm64' } }, /its config is for linux\/arm64/],
  'prototype-keys': [
    {
      editManifest: (manifest) =>
        JSON.stringify(manifest).replace('"config":', '"__proto__":{"config":{}},"konfig":'),
    },
    /config is not of the type object/,
  ],
});

/** The first item of a list in a document. */
function at(list: unknown): object {
  return (list as object[])[0] ?? {};
}
