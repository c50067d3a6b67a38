import { diskDeeds } from '../deeds/disk-deeds.ts'
import type { Ground } from './ground.ts'

/** A file in the server's own folder: for one node. */
export function sqliteGround(): Ground {
  return {
    name: 'sqlite',
    doors: [],
    deeds: diskDeeds,
    join: async () => ({ store: { type: 'sqlite' }, async [Symbol.asyncDispose]() {} }),
    async [Symbol.asyncDispose]() {},
  }
}
