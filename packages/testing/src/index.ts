export { type Balancer, spread, startBalancer } from './balancer.ts'
export { clientWorld } from './client-world.ts'
export { FaultProxy, type SeenRequest, type UpgradeAnswer } from './fault-proxy.ts'
export { type Ground, groundOf, projectGround } from './ground.ts'
export { LineProxy, type LineState } from './line-proxy.ts'
export { ManualClock } from './manual-clock.ts'
export { freePort, startPostgres, type TestPostgres, withPostgres } from './postgres.ts'
export { NO_REDIS, redisServer, startRedis, type TestRedis } from './redis.ts'
export { type MakeServer, startTestNodes, type TestNode, type TestNodes, type TestPlace } from './test-nodes.ts'
export { openTestSocket, type SocketEnd, type SocketOptions, type TestSocket } from './test-socket.ts'
export { createTestStore, type NodeStore, type ServerStore, type TestStore } from './test-store.ts'
export {
  createTestWorld,
  type RequestOptions,
  type TestResponse,
  type TestWorld,
  type TestWorldOptions,
} from './test-world.ts'
export { until } from './until.ts'
