/** The lines of a .npmrc without those that hold a token, a key or a password, which are secrets of whoever works here. */
export const withoutCredentials = (npmrc: string): string =>
  npmrc
    .split('\n')
    .filter((line) => !/^\/\/|_auth|_password|:\/\/[^/]*@|^(?:username|key|cert)\b/.test(line.trim()))
    .join('\n')
