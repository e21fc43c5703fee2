// Writes docs/configuration.md and .env.example from the table of variables.
import { renderConfigurationPage, renderEnvExample } from '../server/platform/configuration/documentation.ts'
import { writePages } from './writePages.ts'

writePages([
  { path: 'docs/configuration.md', text: renderConfigurationPage() },
  { path: '.env.example', text: renderEnvExample() },
])
