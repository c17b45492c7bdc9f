import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Descriptor, mediaTypes } from '../scripts/image/types.ts';
import { committedLayout as layout } from './build.ts';
import { blob, type Image, images } from './unpack.ts';

/** ELF e_machine and byte order (System V ABI; each processor's supplement). */
const machines = [
  { architecture: 'amd64', machine: 62, littleEndian: true },
  { architecture: 'arm64', machine: 183, littleEndian: true },
  { architecture: 'ppc64le', machine: 21, littleEndian: true },
  { architecture: 's390x', machine: 22, littleEndian: false },
];

let all: Image[];
beforeAll(async () => {
  all = await images(layout);
});

const imageOf = (architecture: string): Image => {
  const found = all.find((image) => image.config.architecture === architecture);
  if (found === undefined) throw new Error(`no image for ${architecture}`);
  return found;
};

describe('the committed layout', () => {
  test('is an OCI image layout with one entry, "embedded", an index', () => {
    expect(JSON.parse(readFileSync(join(layout, 'oci-layout'), 'utf8'))).toEqual({
      imageLayoutVersion: '1.0.0',
    });
    const top = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8'));
    expect(top.schemaVersion).toBe(2);
    expect(top.manifests).toHaveLength(1);
    expect(top.manifests[0]).toMatchObject({
      mediaType: mediaTypes.index,
      annotations: { 'org.opencontainers.image.ref.name': 'embedded' },
    });
  });

  test('has every platform', () => {
    const expected = machines.map(({ architecture }) => ({ architecture, os: 'linux' }));
    expect(all.map(({ descriptor }) => descriptor.platform)).toEqual(expected);
  });

  test('contains exactly the blobs it refers to, with matching sizes and digests', () => {
    const top: { manifests: Descriptor[] } = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8'));
    const images = all.flatMap(({ descriptor, manifest }) => [
      descriptor,
      manifest.config,
      ...manifest.layers,
    ]);
    const descriptors = [...top.manifests, ...images];
    for (const { digest, size } of descriptors) {
      const bytes = blob(layout, digest);
      expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(digest);
      expect(bytes.length).toBe(size);
    }
    const names = new Set(descriptors.map(({ digest }) => digest.slice('sha256:'.length)));
    expect(new Set(readdirSync(join(layout, 'blobs/sha256')))).toEqual(names);
  });
});

describe.each(machines)('the image for $architecture', ({ architecture, machine, littleEndian }) => {
  test('is at most 2 MB compressed', () => {
    const { manifest } = imageOf(architecture);
    const total = [manifest.config, ...manifest.layers].reduce((sum, { size }) => sum + size, 0);
    expect(total).toBeLessThanOrEqual(2_000_000);
  });

  test('has a config that matches its layer, with Cmd, which the args of KServe replace, and no Entrypoint', () => {
    const { config, diffId } = imageOf(architecture);
    expect(config).toMatchObject({ architecture, os: 'linux', created: '1970-01-01T00:00:00Z' });
    expect(config.rootfs).toEqual({ type: 'layers', diff_ids: [diffId] });
    expect(config.config).toMatchObject({ User: '1001', Cmd: ['sh'] });
    expect(config.config).not.toHaveProperty('Entrypoint');
  });

  test('contains a static binary for its architecture', () => {
    const binary = imageOf(architecture).members.find(({ header }) => header.name === 'bin/sh')?.content;
    if (binary === undefined) throw new Error('no bin/sh');
    const view = new DataView(binary.buffer, binary.byteOffset, binary.length);
    expect(binary.subarray(0, 4).toString('latin1')).toBe('\x7fELF');
    expect(view.getUint8(4), '64 bits').toBe(2);
    expect(view.getUint8(5), 'byte order').toBe(littleEndian ? 1 : 2);
    expect(view.getUint16(0x10, littleEndian), 'an executable at fixed addresses').toBe(2);
    expect(view.getUint16(0x12, littleEndian), 'machine').toBe(machine);
    const start = Number(view.getBigUint64(0x20, littleEndian));
    const size = view.getUint16(0x36, littleEndian);
    const count = view.getUint16(0x38, littleEndian);
    const kinds = Array.from({ length: count }, (_, i) => view.getUint32(start + i * size, littleEndian));
    expect(kinds, 'loads something').toContain(1);
    expect(kinds, 'neither dynamic (2) nor interpreted (3)').not.toContain(2);
    expect(kinds).not.toContain(3);
  });

  test('provides every tool that KServe needs as a link to one file', () => {
    const { members } = imageOf(architecture);
    const links = members.filter(({ header }) => header.type === 'symlink');
    for (const tool of ['[', 'cat', 'echo', 'ln', 'ls', 'mkdir', 'sleep', 'test']) {
      expect(links.find(({ header }) => header.name === `bin/${tool}`)?.header.linkname).toBe('sh');
    }
    const programs = members.filter(
      ({ header }) => header.type === 'file' && ((header.mode ?? 0) & 0o111) !== 0,
    );
    expect(programs.map(({ header }) => header.name)).toEqual(['bin/sh']);
  });

  test('has deterministic members that are readable without root', () => {
    const { members } = imageOf(architecture);
    const names = members.map(({ header }) => header.name);
    expect(names).toEqual([...names].sort());
    for (const { header } of members) {
      expect(header.name).toMatch(/^[a-z]/);
      expect(header).toMatchObject({ uid: 0, gid: 0, uname: '', gname: '', mtime: new Date(0), pax: null });
      expect((header.mode ?? 0) & 0o6000, `${header.name} has no set-id bit`).toBe(0);
      if (header.type !== 'symlink')
        expect((header.mode ?? 0) & 0o004, `${header.name} is readable`).toBe(0o004);
    }
  });

  test('defines users 0 and 1001 and contains the licences of the code in the binary', () => {
    const { members } = imageOf(architecture);
    const text = (name: string) =>
      members.find(({ header }) => header.name === name)?.content.toString() ?? '';
    expect(text('etc/passwd')).toMatch(/^root:x:0:0:.*\n\w+:x:1001:0:.*\n$/);
    expect(text('etc/group')).toBe('root:x:0:\n');
    expect(text('licenses/go.txt')).toContain('Copyright 2009 The Go Authors');
    expect(text('licenses/mvdan-sh.txt')).toContain('Daniel Martí');
    expect(text('licenses/modelcars.txt')).toContain('Apache License');
  });
});
