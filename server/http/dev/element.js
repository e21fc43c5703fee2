/** Makes an element. Everything that comes from outside is set as text, so none of it is ever read as HTML. */
export const element = (name, { text, className, ...attributes } = {}, children = []) => {
  const made = document.createElement(name)
  if (text !== undefined) made.textContent = text
  if (className !== undefined) made.className = className
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  made.append(...children)
  return made
}

export const milliseconds = (value) => `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' })

export const timeOfDay = (iso) => clock.format(new Date(iso))
