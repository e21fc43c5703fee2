import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { codeOf } from '../../../db/causes.ts'
import { ForgeError, misused } from '../forgeError.ts'
import { latencyChart, markdownOf, memoryChart, type Report } from './report.ts'

/** Makes the folder that the files go to, before anything is measured. Throws ForgeError when nothing can go there. */
export const prepareFolder = (folder: string): void => {
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.W_OK)
  } catch (error) {
    throw new ForgeError(`${folder} cannot be written (${codeOf(error)}): name another folder with --out.`, misused)
  }
}

/** Writes the report as Markdown, JSON and charts. Returns the files. */
export const writeReport = (folder: string, report: Report): readonly string[] =>
  Object.entries({
    'bench.md': markdownOf(report),
    'bench.json': `${JSON.stringify(report, null, 2)}\n`,
    'latency.svg': latencyChart(report),
    'memory.svg': memoryChart(report),
  }).map(([name, text]) => {
    const file = path.join(folder, name)
    writeFileSync(file, text)
    return file
  })
