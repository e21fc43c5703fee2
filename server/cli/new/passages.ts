/**
 * Leaves out of a file what speaks of the product alone, such as its examples. In Markdown that stands between
 * `<!-- product -->` and `<!-- /product -->`, or on a line that ends with `<!-- product line -->`, since a comment between
 * the rows of a table would end it; elsewhere between the lines `#product` and `#/product`.
 */
export const withoutProductPassages = (text: string): string => {
  const left = text
    .replaceAll(/^<!-- product -->\n[\s\S]*?^<!-- \/product -->\n/gm, '')
    .replaceAll(/<!-- product -->[\s\S]*?<!-- \/product -->/g, '')
    .replaceAll(/^.*<!-- product line -->\n/gm, '')
    .replaceAll(/^ *#product\b.*\n[\s\S]*?^ *#\/product\n/gm, '')
  return left === text ? text : left.replaceAll(/\n{3,}/g, '\n\n').replace(/\n+$/, '\n')
}
