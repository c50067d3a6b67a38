/**
 * Whether a page of `origin` may act with the cookie its browser carries: the server's own pages (the origin's host is
 * the one asked), and those of the origins allowed by name. Source: RFC 6454, 7.
 */
export function mayUseCookie(origin: string, host: string | undefined, allowed: readonly string[]): boolean {
  if (allowed.includes(origin)) return true
  return URL.canParse(origin) && new URL(origin).host === host
}
