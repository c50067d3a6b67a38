import pino, { type Logger } from 'pino'

/** JSON lines on stderr; stdout belongs to people. On a terminal only what they should look at. */
export function createLogger(level: string | null): Logger {
  const usual = process.stderr.isTTY ? 'warn' : 'info'
  return pino(
    {
      level: level ?? usual,
      base: { service: 'holdfast', pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ['*.headers.authorization', '*.headers.cookie', '*.token', 'token'],
    },
    pino.destination({ fd: 2, sync: true }),
  )
}
