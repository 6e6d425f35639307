/** Whether a server is on this machine, as its address tells: a directory of Unix sockets, or loopback. */
export function isLocalHost(host: string): boolean {
  return host.startsWith('/') || host === 'localhost' || host === '::1' || host.startsWith('127.');
}
