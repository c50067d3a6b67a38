import { Check, Link2 } from 'lucide-react'
import { useState } from 'react'
import { Button } from './button.tsx'

/** Copies an address of this page, whole; says so by its word until the pointer leaves. Default: where one is. */
export function CopyLink({ to, label = 'Copy link' }: { to?: string; label?: string }) {
  const [isCopied, setCopied] = useState(false)
  const copy = () => {
    navigator.clipboard.writeText(new URL(to ?? location.href, location.href).href).then(
      () => setCopied(true),
      () => setCopied(false),
    )
  }
  return (
    <Button
      look="quiet"
      small
      icon={isCopied ? Check : Link2}
      onClick={copy}
      onPointerLeave={() => setCopied(false)}
      onBlur={() => setCopied(false)}
    >
      {isCopied ? 'Copied' : label}
    </Button>
  )
}
