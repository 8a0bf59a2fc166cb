/** Whether a host name or address, without brackets, never leaves this machine. */
export const isLoopback = (host: string): boolean =>
  host === '::1' || /^127(\.\d{1,3}){3}$/.test(host) || /^([^.]+\.)*localhost$/i.test(host)
