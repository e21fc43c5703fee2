import type { contract } from '../contract/index.ts'
import type { ClientOf } from './client.ts'
import type { InputsOf, OutputsOf } from './entryTypes.ts'
import type { RouterOf } from './router.ts'

// All that the client's types take from the contract. In the packed client this file is replaced by one with the same
// exports spelt out, so that whoever installs it needs neither zod nor the contract.

export type { ErrorCode } from '../contract/vocabulary.ts'

/** This API as functions. */
export type Client = ClientOf<typeof contract>

/** What each call takes: `Inputs['auth']['register']`. */
export type Inputs = InputsOf<typeof contract>

/** What each call resolves to: `Outputs['auth']['me']`. */
export type Outputs = OutputsOf<typeof contract>

/** The tRPC router of this API, for `createTRPCClient<Router>` and its kind. */
export type Router = RouterOf<typeof contract>
