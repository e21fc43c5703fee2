import { createHash, randomBytes } from 'node:crypto'

/** How long a ticket waits for its stream. */
export const ticketSeconds = 30

const bytes = 32
const tickets = /^[\w-]{43}$/

/** A ticket: 256 random bits, so that its plain SHA-256 may be stored (OWASP ASVS 5.0 6.5.2). */
export const newTicket = () => {
  const ticket = randomBytes(bytes).toString('base64url')
  return { ticket, hash: hashTicket(ticket) }
}

/** False for a text that cannot be a ticket, so that it costs no read. */
export const mayBeTicket = (text: string): boolean => tickets.test(text)

export const hashTicket = (ticket: string): Buffer => createHash('sha256').update(ticket).digest()
