export { ManualClock } from './manual-clock.ts'
export { freePort, startPostgres, type TestPostgres } from './postgres.ts'
export { openTestSocket, type SocketEnd, type SocketOptions, type TestSocket } from './test-socket.ts'
export {
  createTestWorld,
  type RequestOptions,
  type TestPlace,
  type TestResponse,
  type TestWorld,
  type TestWorldOptions,
} from './test-world.ts'
export { until } from './until.ts'
