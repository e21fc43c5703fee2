import ts from 'typescript'
import type { NamedType } from './typePrinter.ts'

/**
 * The schemas of the contract that carry an id, `z.object({ … }).meta({ id: 'User' })`: their output under the id, their
 * input under `UserInput` where it differs.
 */
export const findNamedSchemas = (program: ts.Program): readonly NamedType[] => {
  const checker = program.getTypeChecker()
  const found: NamedType[] = []
  const visit = (node: ts.Node): void => {
    const id = idOf(node)
    if (id !== undefined) found.push(...typesOf(checker, id, typedNode(node)))
    ts.forEachChild(node, visit)
  }
  for (const file of program.getSourceFiles()) {
    if (!file.isDeclarationFile && !program.isSourceFileFromExternalLibrary(file)) visit(file)
  }
  return found
}

/** A stated type counts, by declaration or by assertion: recursive schemas have one, since none can infer itself. */
const typedNode = (node: ts.Node): ts.Node => {
  if (ts.isAsExpression(node.parent)) return typedNode(node.parent)
  return ts.isVariableDeclaration(node.parent) ? node.parent : node
}

const idOf = (node: ts.Node): string | undefined => {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return undefined
  if (node.expression.name.text !== 'meta') return undefined
  const [facts] = node.arguments
  if (!facts || !ts.isObjectLiteralExpression(facts)) return undefined
  const id = facts.properties.find((property) => property.name?.getText() === 'id')
  return id && ts.isPropertyAssignment(id) && ts.isStringLiteral(id.initializer) ? id.initializer.text : undefined
}

const typesOf = (checker: ts.TypeChecker, id: string, node: ts.Node): readonly NamedType[] => {
  const schema = checker.getTypeAtLocation(node)
  const output = propertyOf(checker, schema, ['_zod', 'output'])
  const input = propertyOf(checker, schema, ['_zod', 'input'])
  const comment = ts.getJSDocCommentsAndTags(node).map((doc) => ts.getTextOfJSDocComment(doc.comment) ?? '')[0] ?? ''
  const isSame = checker.isTypeAssignableTo(input, output) && checker.isTypeAssignableTo(output, input)
  return [
    { name: id, type: output, comment },
    { name: isSame ? id : `${id}Input`, type: input, comment },
  ]
}

const propertyOf = (checker: ts.TypeChecker, type: ts.Type, path: readonly string[]): ts.Type =>
  path.reduce((owner, name) => {
    const property = checker.getPropertyOfType(owner, name)
    if (!property) throw new Error(`${checker.typeToString(type)} carries an id but is no schema`)
    return checker.getTypeOfSymbol(property)
  }, type)
