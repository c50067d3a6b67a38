import { statSync } from 'node:fs'
import { isIP } from 'node:net'
import { delimiter, resolve } from 'node:path'
import * as z from 'zod'
import { Stop } from './stop.ts'

/** Where facts are kept: a file of this machine, its path absolute, or a PostgreSQL that several nodes may share. */
export type StoreConfig =
  | { kind: 'sqlite'; path: string }
  | {
      kind: 'postgres'
      url: string
      /** Carries word between the nodes; PostgreSQL does where there is none. */
      redisUrl: string | null
    }

/** Everything the environment decides, checked. docs/configuration.md describes each variable. */
export interface Config {
  host: string
  port: number
  /** Absolute. */
  dataDir: string
  store: StoreConfig
  operatorToken: string | null
  /** What signs cookies and tokens, then what did before; empty where none is given. */
  secrets: string[]
  allowedOrigins: string[]
  connectionsPerAddress: number
  /** Absolute. */
  ingestRoots: string[]
  /** CIDRs. */
  ingestPrivateNetworks: string[]
  ingestProcesses: number | null
  github: { baseUrl: string; token: string | undefined }
  logLevel: string | null
}

const port = z.coerce.number('not a number').int('not a whole number').min(0, 'below 0').max(65_535, 'above 65535')
const list = (separator: string | RegExp) =>
  z.string().transform((text) =>
    text
      .split(separator)
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  )

/** As browsers send it in `Origin`; nothing that has a path, for no header would ever equal it. */
function originOf(text: string, context: z.RefinementCtx<string>): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url.origin
  context.addIssue({ code: 'custom', message: 'not an origin such as https://example.org' })
  return z.NEVER
}

const HAS_SCHEME = /^[a-z][a-z0-9+.-]+:\/\//i
/** An address that lost its scheme, or part of it: taken for a file it would be shown, password and all. */
const IS_ADDRESS = /^postgres(ql)?:|^[^/\\:]+:[^/\\].*@/i

function isPostgres(text: string): boolean {
  return /^postgres(ql)?:\/\//i.test(text) && URL.canParse(text)
}

function isNetwork(text: string): boolean {
  const [, address = '', bits = ''] = /^([^/%]+)\/(\d{1,3})$/.exec(text) ?? []
  return isIP(address) !== 0 && Number(bits) <= (isIP(address) === 4 ? 32 : 128)
}

/** What the environment may say, with the defaults; docs/configuration.md is checked against it. */
export const Environment = z.object({
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: port.default(4000),
  DATA_DIR: z.string().min(1).default('./data'),
  DATABASE_URL: z
    .string()
    .refine(
      (text) => isPostgres(text) || !(HAS_SCHEME.test(text) || IS_ADDRESS.test(text)),
      'neither a postgres:// URL (signs such as # in a password are written %23) nor the path of a file',
    )
    .optional(),
  REDIS_URL: z
    .string()
    .refine((text) => /^rediss?:\/\//i.test(text) && URL.canParse(text), 'not a redis:// or rediss:// URL')
    .optional(),
  OPERATOR_TOKEN: z.string().min(16, 'shorter than 16 characters').optional(),
  JWT_SECRET: list(',')
    .pipe(z.array(z.string().min(32, 'shorter than 32 characters')).min(1, 'no secret'))
    .optional(),
  ALLOWED_ORIGINS: list(',')
    .pipe(z.array(z.string().transform(originOf)))
    .default([]),
  CONNECTIONS_PER_ADDRESS: z.coerce
    .number()
    .int('not a whole number')
    .min(1, 'below 1')
    .max(1_000_000, 'above 1000000')
    .default(1000),
  INGEST_ROOTS: list(delimiter).optional(),
  INGEST_PRIVATE_NETWORKS: list(',')
    .pipe(z.array(z.string().refine(isNetwork, 'not networks such as 10.0.0.0/8')))
    .default([]),
  INGEST_PROCESSES: z.coerce.number().int('not a whole number').min(1, 'below 1').max(64, 'above 64').optional(),
  GITHUB_BASE_URL: z.url('not a URL').default('https://api.github.com'),
  GITHUB_TOKEN: z.string().optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).optional(),
  NODE_ENV: z.string().optional(),
})

/** Reads the configuration; stops with a line that names the variable where one is not right. */
export function readConfig(env: Record<string, string | undefined>, cwd: string): Config {
  // An empty variable is one that was not set: that is how compose files and shells leave them.
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''),
  )
  const parsed = Environment.safeParse(given)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new Stop(`${String(issue?.path[0])} is not right: ${issue?.message}`)
  }
  const values = parsed.data
  if (values.NODE_ENV === 'production' && !values.JWT_SECRET) {
    throw new Stop('JWT_SECRET is missing: with NODE_ENV=production it must be set (32 characters or more)')
  }
  const dataDir = resolve(cwd, values.DATA_DIR)
  return {
    host: values.HOST,
    port: values.PORT,
    dataDir,
    store: storeOf(values, cwd, dataDir),
    operatorToken: values.OPERATOR_TOKEN ?? null,
    secrets: values.JWT_SECRET ?? [],
    allowedOrigins: values.ALLOWED_ORIGINS,
    connectionsPerAddress: values.CONNECTIONS_PER_ADDRESS,
    ingestRoots: (values.INGEST_ROOTS ?? ['.']).map((root) => ingestRoot(cwd, root)),
    ingestPrivateNetworks: values.INGEST_PRIVATE_NETWORKS,
    ingestProcesses: values.INGEST_PROCESSES ?? null,
    github: { baseUrl: values.GITHUB_BASE_URL, token: values.GITHUB_TOKEN },
    logLevel: values.LOG_LEVEL ?? null,
  }
}

function storeOf({ DATABASE_URL, REDIS_URL }: z.infer<typeof Environment>, cwd: string, dataDir: string): StoreConfig {
  if (DATABASE_URL && isPostgres(DATABASE_URL)) {
    return { kind: 'postgres', url: DATABASE_URL, redisUrl: REDIS_URL ?? null }
  }
  if (REDIS_URL) {
    throw new Stop(
      'REDIS_URL is not right: it is for several nodes on one PostgreSQL; set DATABASE_URL to it, or leave it out',
    )
  }
  return { kind: 'sqlite', path: DATABASE_URL ? resolve(cwd, DATABASE_URL) : resolve(dataDir, 'holdfast.db') }
}

function ingestRoot(cwd: string, root: string): string {
  const path = resolve(cwd, root)
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path
  throw new Stop(`INGEST_ROOTS is not right: ${path} is not a folder`)
}
