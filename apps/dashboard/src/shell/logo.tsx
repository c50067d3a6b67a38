/** Kelp and its root. */
export function Logo({ size = 20 }: { size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 32 32"
      fill="none"
      stroke="currentColor"
      strokeWidth="3"
      strokeLinecap="round"
      className="text-accent"
      aria-hidden="true"
    >
      <path d="M16 3v26" />
      <path d="M16 16c0 6-3 8-9 9" />
      <path d="M16 16c0 6 3 8 9 9" />
      <path d="M16 9c-4 0-6-2-6-5" />
      <path d="M16 12c4 0 6-2 6-5" />
    </svg>
  )
}
