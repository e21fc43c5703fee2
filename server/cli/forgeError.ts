/** Why a command did nothing, in a sentence that names the next step. */
export class ForgeError extends Error {
  override readonly name: string = 'ForgeError'
  readonly exitCode: number

  constructor(message: string, exitCode: number = failed) {
    super(message)
    this.exitCode = exitCode
  }
}

/** It was asked for properly and could not be done. */
export const failed = 1

/** It was not asked for properly. */
export const misused = 2
