import { expect, test } from 'vitest';
import { namesOfImages, usageFile } from './node.ts';

const id = 'f00d'.repeat(16);

test('reads the CPU time of cgroups 1, of the whole container', () => {
  const text = `3:cpuset:/docker/${id}\n2:cpu,cpuacct:/docker/${id}/init.scope\n0::/\n`;
  const { file, seconds } = usageFile(text, id);
  expect(file).toBe(`/sys/fs/cgroup/cpuacct/docker/${id}/cpuacct.usage`);
  expect(seconds('1500000000\n')).toBe(1.5);
});

test('reads the CPU time of cgroups 2', () => {
  const { file, seconds } = usageFile(`0::/system.slice/docker-${id}.scope/init.scope\n`, id);
  expect(file).toBe(`/sys/fs/cgroup/system.slice/docker-${id}.scope/cpu.stat`);
  expect(seconds('usage_usec 2500000\nuser_usec 1\n')).toBe(2.5);
});

test('fails when the process is in no cgroup of the container', () => {
  expect(() => usageFile('0::/\n', id)).toThrow('no cgroup');
});

test('an image has all names of its digest, and no other image', () => {
  const list = `REF TYPE DIGEST SIZE PLATFORMS LABELS
docker.io/kindest/a:v1    application/vnd.oci.image.index.v1+json sha256:aa 1.0 MiB linux/amd64 -
10.0.0.1:50/bench/m@sha256:bb application/vnd.oci.image.index.v1+json sha256:bb 1.0 GiB linux/amd64 io.cri-containerd.image=managed
10.0.0.1:5000/bench/m:v1  application/vnd.oci.image.index.v1+json sha256:cc 1.0 GiB linux/amd64 -
sha256:config             application/vnd.oci.image.index.v1+json sha256:bb 1.0 GiB linux/amd64 -
`;
  expect(namesOfImages(list, '10.0.0.1:50')).toEqual(['10.0.0.1:50/bench/m@sha256:bb', 'sha256:config']);
  expect(namesOfImages(list, '10.0.0.2:50')).toEqual([]);
});
