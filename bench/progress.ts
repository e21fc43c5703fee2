export { progress } from '../server/cli/progress.ts'
