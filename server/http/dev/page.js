import { element } from './element.js'
import { createRequests } from './requests.js'
import { showState, stateViews } from './state.js'

const everyMs = 1_000

const find = (id) => document.getElementById(id)
const notice = find('notice')
const pause = find('pause')

const get = async (path) => {
  const reply = await fetch(`/dev/data/${path}`)
  if (!reply.ok) throw new Error(`the server answered ${reply.status}`)
  return reply.json()
}

const requests = createRequests(find, get)
let view = 'Requests'
let isPaused = false
let timer

/** Asks for what is shown now, and again a second after the answer. */
const look = async () => {
  clearTimeout(timer)
  const asked = view
  try {
    const answer = await get(asked === 'Requests' ? 'requests' : 'state')
    if (asked === view) {
      if (view === 'Requests') requests.show(answer)
      else showState(find('state'), view, answer)
    }
    notice.textContent = ''
  } catch (error) {
    notice.textContent = `Not up to date: ${error.message}`
  }
  clearTimeout(timer)
  if (!isPaused && !document.hidden) timer = setTimeout(look, everyMs)
}

const choose = (name) => {
  view = name
  for (const button of find('views').children) {
    if (button.textContent === name) button.setAttribute('aria-current', 'page')
    else button.removeAttribute('aria-current')
  }
  find('requests').hidden = name !== 'Requests'
  find('state').hidden = name === 'Requests'
  find('state').replaceChildren()
  void look()
}

for (const name of ['Requests', ...stateViews]) {
  const button = element('button', { type: 'button', text: name })
  button.addEventListener('click', () => choose(name))
  find('views').append(button)
}

pause.addEventListener('click', () => {
  isPaused = !isPaused
  pause.setAttribute('aria-pressed', String(isPaused))
  pause.textContent = isPaused ? 'Go on' : 'Pause'
  if (isPaused) clearTimeout(timer)
  else void look()
})
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !isPaused) void look()
})

choose('Requests')
