/** RFC 9106: id for passwords; i and d only to verify what was imported. */
export type Variant = 'id' | 'i' | 'd'

export interface Cost {
  readonly memoryKib: number
  readonly iterations: number
  readonly parallelism: number
}

/** One computation. Strings are already bytes: nothing below this interface decides on an encoding. */
export interface Argon2Job extends Cost {
  readonly variant: Variant
  readonly password: Uint8Array
  readonly salt: Uint8Array
  readonly hashLength: number
}

/** Version 0x13 of Argon2, off the event loop. */
export interface Argon2Engine {
  readonly name: EngineName
  readonly derive: (job: Argon2Job) => Promise<Uint8Array>
  readonly close: () => Promise<void>
}

export type EngineName = 'native' | 'node' | 'wasm'
