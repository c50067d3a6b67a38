/** A path or an address in one line. Its end matters most: the folders give way first. */
export function FilePath({ path }: { path: string }) {
  const cut = path.lastIndexOf('/', path.length - 2) + 1
  return (
    <span className="flex min-w-0 font-mono text-small leading-[18px]" title={path}>
      {cut > 0 && <span className="min-w-0 shrink truncate text-ink-3">{path.slice(0, cut)}</span>}
      <span className="max-w-full shrink-0 truncate text-ink">{path.slice(cut)}</span>
    </span>
  )
}
