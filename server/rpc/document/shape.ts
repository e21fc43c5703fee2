/** The parts of an OpenAPI 3.1 document that are read or rebuilt here. */
export interface ApiDocument {
  readonly openapi: string
  readonly info: DocumentInfo
  readonly servers: readonly { readonly url: string }[]
  readonly tags: readonly { readonly name: string }[]
  /** By path, then by verb in lower case. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: Components
}

export interface Components {
  readonly schemas: Readonly<Record<string, JsonObject>>
  readonly responses: Readonly<Record<string, Response>>
  readonly parameters: Readonly<Record<string, JsonObject>>
  readonly headers: Readonly<Record<string, JsonObject>>
  readonly securitySchemes: Readonly<Record<string, JsonObject>>
}

export interface DocumentInfo {
  readonly title: string
  readonly version: string
  readonly description: string
}

export interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly tags: readonly string[]
  /** Empty: anyone may call. */
  readonly security: readonly Readonly<Record<string, readonly string[]>>[]
  /** The flag that must be on for the caller. */
  readonly 'x-flag'?: string
  readonly parameters?: readonly JsonObject[]
  readonly requestBody?: JsonObject
  /** By status. */
  readonly responses: Readonly<Record<string, Response | Reference>>
}

export interface Response {
  readonly description: string
  readonly headers?: Readonly<Record<string, Reference>>
  readonly content?: Readonly<Record<string, { readonly schema: JsonObject; readonly example?: JsonObject }>>
}

export interface Reference {
  readonly $ref: string
}

export type JsonObject = Readonly<Record<string, unknown>>
