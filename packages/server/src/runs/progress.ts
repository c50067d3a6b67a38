/** The phases of a run in their order, with the share each has of the whole (any positive numbers). */
export type PhaseWeights = Readonly<Record<string, number>>

/** What a run's code says of how far it is. */
export interface ProgressReport {
  /** One of the definition's phases: those before it are over. Absent: the one it is in. */
  phase?: string
  done?: number
  /** `null` as long as nobody knows. */
  total?: number | null
  /** What is counted: `files`. */
  unit?: string
  /** What is being done, in a few words. */
  message?: string
}
