/** The command that the help, the misuse of it and a server without administrators show. */
export const createAdminExample = `printf '%s\\n' "$PASSWORD" | npm run forge -- admin create --email ada@example.org --password-stdin`
