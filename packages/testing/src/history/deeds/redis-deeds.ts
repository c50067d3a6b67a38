import { connect } from 'node:net'
import { sleep, systemClock } from '@holdfast/protocol'
import type { TestRedis } from '../../redis.ts'
import type { CuttingProxy } from '../cutting-proxy.ts'
import type { Deeds } from './deed.ts'
import { lineDeeds } from './line-deeds.ts'

interface RedisGround {
  redis: TestRedis
  /** One of each node. */
  lines: readonly CuttingProxy[]
}

/** What befalls Redis and the nodes' lines to it. */
export function redisDeeds({ redis, lines }: RedisGround): Deeds {
  return {
    ...lineDeeds('Redis', lines),
    'Redis killed': {
      weight: 2,
      isOutage: true,
      async run(_world, random) {
        await redis.stop()
        await sleep(systemClock, random.pick([0, 300, 3000]))
        await redis.start()
      },
    },
    'Redis flushed': {
      weight: 1,
      isOutage: true,
      run: async () => void (await command(redis.port, 'FLUSHALL')),
    },
    'Redis clients killed': {
      weight: 2,
      isOutage: true,
      async run(_world, random) {
        for (let times = random.int(1, 4); times > 0; times -= 1) {
          await command(redis.port, `CLIENT KILL TYPE ${random.pick(['normal', 'pubsub'])}`)
          await sleep(systemClock, random.int(10, 200))
        }
      },
    },
    'Redis stands still': {
      weight: 2,
      isOutage: true,
      async run(_world, random) {
        redis.freeze()
        await sleep(systemClock, random.pick([300, 2000, 6000]))
        redis.thaw()
      },
    },
  }
}

/** An inline command, without spaces in its words; resolves when it is answered. */
function command(port: number, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(`${text}\r\n`))
    socket.once('data', () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', reject)
  })
}
