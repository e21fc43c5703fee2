/** The row of a statement that always has one, such as an insert without conditions. */
export const onlyRow = <Row>([row]: readonly Row[]): Row => {
  if (row === undefined) throw new Error('A statement that returns one row returned none.')
  return row
}
