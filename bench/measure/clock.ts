/**
 * Milliseconds of the machine's monotonic clock, the same for all processes on it: what one wrote another may subtract.
 * Source: nodejs.org/api/process.html#processhrtimebigint, clock_gettime(2).
 */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
