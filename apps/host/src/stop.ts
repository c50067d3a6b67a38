/** What ends the program with one plain line and no stack trace: the machine or the settings, not the code. */
export class Stop extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

/** Another process has the DATA_DIR. */
export class DataDirTaken extends Stop {}

export function systemCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : ''
}
