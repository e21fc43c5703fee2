import { useQuery } from '@tanstack/react-query'
import type { MenuNode } from 'tsforge-client'
import { menuQuery } from './api.ts'
import { sentenceOf } from './sentence.ts'

/** The navigation of the person: the server leaves out what they may not see. */
export const Menu = () => {
  const { data: menu, error } = useQuery(menuQuery)
  return (
    <nav aria-label="Menu">
      <h2>Menu</h2>
      {error && <p role="alert">{sentenceOf(error)}</p>}
      {menu?.length === 0 && <p>There is no entry that you may see.</p>}
      {menu && <Entries nodes={menu} />}
    </nav>
  )
}

const Entries = ({ nodes }: { readonly nodes: readonly MenuNode[] }) =>
  nodes.length > 0 && (
    <ul>
      {nodes.map(({ id, label, path, children }) => (
        <li key={id}>
          <a href={`#${path}`}>{label}</a>
          <Entries nodes={children} />
        </li>
      ))}
    </ul>
  )
