import { lines, withImports } from './imports.ts'
import { isPeople, type Resource, sentence } from './resource.ts'

/** `server/features/<resources>/module.ts`: what joins the rest. */
export const moduleFile = ({ names, isTenant, references }: Resource): string => {
  const others = references.filter(({ target }) => !isPeople(target)).map(({ target }) => target.names.camels)
  const needs = [...new Set([...(isTenant ? ['tenants'] : []), 'menus', ...others])]
  const code = lines(
    `export const ${names.camels} = defineModule({`,
    `  name: '${names.camels}',`,
    `  contract: contract.${names.camels},`,
    '  handlers,',
    `  needs: [${needs.map((need) => `'${need}'`).join(', ')}],`,
    '  tables: [table],',
    '  menus: [{',
    `    code: '${names.kebabs}',`,
    `    label: '${sentence(names.many)}',`,
    `    path: '/${names.kebabs}',`,
    '    sort_order: 100,',
    `    required_permission_code: '${names.snakes}.read',`,
    '  }],',
    '})',
  )
  return withImports(code, [
    { from: '../../../contract/index.ts', names: ['contract'] },
    { from: `../../../db/schema/${names.camels}.ts`, names: [`${names.camels} as table`] },
    { from: '../../rpc/module.ts', names: ['defineModule'] },
    { from: './procedures.ts', names: [`${names.camels} as handlers`] },
  ])
}
