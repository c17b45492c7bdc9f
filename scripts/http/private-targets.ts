import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Networks outside the public Internet (IANA special-purpose address registries, RFC 6890), as [network, bits]. */
const networks = {
  ipv4: [
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
    ['172.16.0.0', 12],
    ['192.0.0.0', 24],
    ['192.168.0.0', 16],
    ['198.18.0.0', 15],
    ['224.0.0.0', 4],
    ['240.0.0.0', 4],
  ],
  ipv6: [
    ['::', 96],
    ['64:ff9b:1::', 48],
    ['fc00::', 7],
    ['fe80::', 10],
    ['fec0::', 10],
    ['ff00::', 8],
  ],
} as const;

const list = new BlockList();
for (const family of ['ipv4', 'ipv6'] as const)
  for (const [network, bits] of networks[family]) list.addSubnet(network, bits, family);

/** A public host points to a private address: cloud metadata, a database, a neighbour. */
export class PrivateTarget extends Error {
  readonly sender: string;
  readonly address: string;

  constructor(sender: string, address: string) {
    super(`${sender} leads to the private address ${address}`);
    this.sender = sender;
    this.address = address;
  }
}

/**
 * Whether an IP address is loopback, private, link-local (cloud metadata) or otherwise outside the public Internet;
 * also when IPv6 wraps such an IPv4 address (mapped, NAT64, 6to4).
 */
export function isPrivateAddress(address: string): boolean {
  const plain = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const family = isIP(plain);
  if (family === 4) return list.check(plain, 'ipv4');
  if (family !== 6) return false;
  if (list.check(plain, 'ipv6')) return true;
  const groups = groupsOf(plain);
  const inner = groups[0] === 0x2002 ? groups.slice(1, 3) : isNat64(groups) ? groups.slice(6) : undefined;
  if (inner === undefined) return false;
  const [high = 0, low = 0] = inner;
  return list.check([high >> 8, high & 255, low >> 8, low & 255].join('.'), 'ipv4');
}

/**
 * Resolves names to public addresses only; fails with a PrivateTarget when a name has none. `sender` is the host that
 * points there.
 */
export function publicLookup(sender: string): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, []);
      const open = addresses.filter(({ address }) => !isPrivateAddress(address));
      const [first] = open;
      if (first === undefined)
        return callback(new PrivateTarget(sender, addresses[0]?.address ?? hostname), []);
      if (options.all) callback(null, open);
      else callback(null, first.address, first.family);
    });
  };
}

/** 64:ff9b::/96, through which IPv6-only networks reach IPv4 (RFC 6052). */
function isNat64(groups: number[]): boolean {
  return groups[0] === 0x64 && groups[1] === 0xff9b && groups.slice(2, 6).every((group) => group === 0);
}

/** The eight groups of an IPv6 address, in any notation, which the URL parser normalizes. */
function groupsOf(address: string): number[] {
  const [head = '', tail = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const read = (text: string) =>
    text
      .split(':')
      .filter((group) => group !== '')
      .map((group) => Number.parseInt(group, 16));
  const [before, after] = [read(head), read(tail)];
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}
