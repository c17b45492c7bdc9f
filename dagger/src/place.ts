/** Where a registry is: a type, since an interface of a field is one of Dagger's API. */
export type Place = {
  /** Registry and path as the caller names it: `localhost:5000/me`. */
  without: string;
  /** The same within a container: `registry0:5000/me`. */
  within: string;
  /** The name of its service within; empty without one. */
  alias: string;
};

/**
 * The place of a registry with a given address. A service gets the name in its address; one on the caller's machine (`localhost`, an IP
 * address) has another within, as long as its own: the columns of a table stay where they are when it is put back. Throws when the address and the service do not fit each other.
 */
export function placeOf(address: string, isService: boolean): Place {
  const [authority = '', ...path] = address.split('/');
  const [, host = authority, port = ''] = /^(.*?)(:\d+)?$/.exec(authority) ?? [];
  const isMachine = host === 'localhost' || /^[\d.]+$/.test(host) || host.startsWith('[');
  if (!isService) {
    if (host === 'localhost' || /^127\.[\d.]+$/.test(host) || host === '[::1]')
      throw unreachable(address, port);
    return { without: address, within: address, alias: '' };
  }
  if (isMachine) {
    const alias = 'registry'.slice(0, host.length).padEnd(host.length, '0');
    return { without: address, within: [alias + port, ...path].join('/'), alias };
  }
  if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(host))
    return { without: address, within: address, alias: host };
  throw new Error(
    `--service needs the address of a registry, got ${JSON.stringify(address)}\n` +
      'next: pass --address localhost:5000/me, with the port of the service',
  );
}

/** In a container, its own loopback interface has no registry. */
function unreachable(address: string, port: string): Error {
  const service = `tcp://localhost${port || ':80'}`;
  return new Error(
    `reach ${address}: within the engine, that is a container of its own\n` +
      `next: dagger call registry --address ${address} --service ${service} push …`,
  );
}
