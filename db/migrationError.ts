/** The schema was not brought up to date; it is as the last migration that succeeded left it. The message is for the person who deploys. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError'
}
