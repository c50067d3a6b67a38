import { startRedis } from '../../redis.ts'
import { CuttingProxy } from '../cutting-proxy.ts'
import { postgresDeeds } from '../deeds/postgres-deeds.ts'
import { redisDeeds } from '../deeds/redis-deeds.ts'
import { sqlDoor } from '../doors/sql.ts'
import type { StoreStart } from '../server-messages.ts'
import type { Ground, NodeGround } from './ground.ts'
import { PostgresProcess } from './postgres-process.ts'

/** A PostgreSQL of its own, and with `withRedis` a Redis; every node reaches them over lines of its own. */
export async function postgresGround(withRedis: boolean): Promise<Ground> {
  const postgres = await PostgresProcess.start()
  const redis = withRedis ? await startRedis() : null
  const door = sqlDoor(postgres.connectionString())
  const lines: CuttingProxy[] = []
  const redisLines: CuttingProxy[] = []
  return {
    name: redis ? 'postgres+redis' : 'postgres',
    doors: [door],
    deeds: { ...postgresDeeds({ postgres, lines }), ...(redis ? redisDeeds({ redis, lines: redisLines }) : {}) },
    async join(): Promise<NodeGround> {
      const line = await CuttingProxy.open({ target: () => postgres.port })
      lines.push(line)
      const redisLine = redis && (await CuttingProxy.open({ target: () => redis.port }))
      if (redisLine) redisLines.push(redisLine)
      const store: StoreStart = {
        type: 'postgres',
        connectionString: postgres.connectionString(line.port),
        redis: redisLine ? `redis://127.0.0.1:${redisLine.port}` : null,
      }
      return {
        store,
        async [Symbol.asyncDispose]() {
          await line.close()
          await redisLine?.close()
        },
      }
    },
    async [Symbol.asyncDispose]() {
      await door.close()
      await redis?.[Symbol.asyncDispose]()
      await postgres[Symbol.asyncDispose]()
    },
  }
}
