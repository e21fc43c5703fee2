/** Says on a terminal what is being done, in one line that the next one overwrites. */
export const progress = (text = ''): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
}
