export { ManualClock } from './manual-clock.ts'
export { freePort, startPostgres, type TestPostgres } from './postgres.ts'
export { NO_REDIS, redisServer, startRedis, type TestRedis } from './redis.ts'
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
