import type { ContractModule } from './define.ts'

/**
 * The contracts of the modules that stand beside the built-in features, a line for each, under the module's name. Its
 * other half stands in `server/modules.ts`; one without the other does not compile.
 */
export const modules = {} satisfies Readonly<Record<string, ContractModule>>
