import * as z from 'zod'

/** What several routes of the app have in common. */

export const Id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/, 'not an id')
export const ProjectParams = z.object({ id: Id })
export const limit = (most: number, usual: number) => z.coerce.number().int().min(1).max(most).default(usual)
export const Cursor = z.string().max(5000).optional()
export const Format = z.enum(['csv', 'json'])
