export { createPasswordHasher, type HashingOptions, type PasswordHasher, type Verdict } from './passwordHasher.ts'
export { HashingOverloaded } from './turns.ts'
