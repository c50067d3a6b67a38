import { Check, Copy } from 'lucide-react'
import { useState } from 'react'

/** Copies a text; says so by its icon until the pointer leaves. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const [isCopied, setCopied] = useState(false)
  const Icon = isCopied ? Check : Copy
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    )
  }
  return (
    <button
      type="button"
      aria-label={isCopied ? 'Copied' : label}
      title={label}
      onClick={copy}
      onPointerLeave={() => setCopied(false)}
      className="inline-flex size-6 items-center justify-center rounded-sm text-ink-3 hover:bg-sunken hover:text-ink pointer-coarse:size-10"
    >
      <Icon size={13} aria-hidden="true" />
    </button>
  )
}
