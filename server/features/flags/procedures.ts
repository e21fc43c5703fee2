import type { contract } from '../../../contract/index.ts'
import { readFlagRows, storedFlag } from '../../platform/flags/rows.ts'
import type { Handlers } from '../../rpc/handlers.ts'
import { invalidFields } from '../../rpc/validation.ts'
import { deleteFlag, putFlag } from './queries.ts'
import { flagOf, misfits, stateOf, statesOf } from './state.ts'

export const flags: Handlers<typeof contract.flags> = {
  async mine({ flags }) {
    return { flags: flags.all() }
  },

  async list({ db, flags: { table, overrideOf } }) {
    // Read anew, so that whoever has just changed one sees it whichever instance answers.
    return statesOf(table, { rows: await readFlagRows(db), overrideOf })
  },

  async set({ transaction, record, flags: { table, overrideOf }, input, fail }) {
    const { name, value, rules } = input
    const flag = flagOf(table, name)
    if (!flag) throw fail('flag.not_found')
    const wrong = misfits(flag, input)
    if (Object.keys(wrong).length > 0) throw invalidFields(wrong)
    return transaction(async (tx) => {
      const [row] = await putFlag(tx, { name, value, rules })
      if (!row) throw new Error('the flag was not stored')
      await record(tx, { topic: 'flag.set', target: name, payload: { value, rules: rules.length } })
      return stateOf(name, flag, { override: overrideOf(name), row: storedFlag(row) })
    })
  },

  async clear({ transaction, record, flags: { table }, input: { name }, fail }) {
    if (!flagOf(table, name)) throw fail('flag.not_found')
    return transaction(async (tx) => {
      const [deleted] = await deleteFlag(tx, { name })
      if (deleted) await record(tx, { topic: 'flag.cleared', target: name, payload: {} })
    })
  },
}
