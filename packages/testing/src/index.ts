export { ManualClock } from './manual-clock.ts'
export { freePort, startPostgres, type TestPostgres } from './postgres.ts'
