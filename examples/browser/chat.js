// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * The page: what is typed goes to a {@link Session}, and what it shows goes into the document, as
 * text only.
 * @module
 */

import { Session } from './chat-session.js';

/** How many messages are kept in the page. */
const MAX_MESSAGES = 500;

/**
 * @template {HTMLElement} [E=HTMLElement]
 * @param {string} id
 */
function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return /** @type {E} */ (found);
}

const join = element('join');
const inside = element('inside');
const leave = element('leave');
const status = element('status');
const problem = element('problem');
const messages = element('messages');
const people = element('people');
const text = /** @type {HTMLInputElement} */ (element('text'));
const fields = {
  relay: /** @type {HTMLInputElement} */ (element('relay')),
  room: /** @type {HTMLInputElement} */ (element('room')),
  name: /** @type {HTMLInputElement} */ (element('name')),
};

/** @type {Session | undefined} */
let session;

/**
 * @param {string} kind
 * @param {string} content
 */
function span(kind, content) {
  const made = document.createElement('span');
  made.className = kind;
  // Whatever direction it is written in, what is beside it stays where it is.
  made.dir = 'auto';
  made.textContent = content;
  return made;
}

/**
 * @param {string} from a name, or nothing for a notice
 * @param {...HTMLElement} content
 */
function addMessage(from, ...content) {
  const item = document.createElement('li');
  item.dataset.from = from;
  const time = document.createElement('time');
  const now = new Date();
  time.dateTime = now.toISOString();
  time.textContent = now.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  item.append(time, ...content);
  messages.append(item);
  while (messages.childElementCount > MAX_MESSAGES) messages.firstElementChild?.remove();
  return item;
}

/**
 * For the one who runs the server. (What it looks like is the style's, so that the text beside it
 * is the name alone.)
 * @param {string} nick
 */
function removeButton(nick) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'remove';
  button.title = `Remove ${nick} from the room`;
  button.setAttribute('aria-label', button.title);
  button.addEventListener('click', () => type(`/kick ${nick}`));
  return button;
}

/**
 * Does what was typed, or says why not. Whether it was done.
 * @param {string} line
 */
function type(line) {
  const wrong = session?.type(line);
  problem.textContent = wrong ? sentence(wrong) : '';
  return !wrong;
}

/** @param {string} what */
const sentence = (what) => what[0].toUpperCase() + what.slice(1).replace(/\.?$/, '.');

/** @type {import('./chat-session.js').View} */
const view = {
  notice: (what) => void addMessage('', span('text', what)),
  say(nick, what, how) {
    const name = how === 'said' ? `${nick}:` : `* ${nick}`;
    const item = addMessage(nick, span('from', name), span('text', what));
    item.classList.toggle('own', nick === session?.nick);
  },
  people(nicks) {
    const items = nicks.map((nick) => {
      const item = document.createElement('li');
      item.append(span('nick', nick));
      if (session?.canRemove && nick !== session.nick) item.append(removeButton(nick));
      return item;
    });
    people.replaceChildren(...items);
  },
  state(state, what) {
    const was = status.dataset.state;
    status.dataset.state = state;
    status.textContent = what;
    status.title = what;
    const isOff = state === 'off';
    join.hidden = !isOff;
    inside.hidden = isOff;
    leave.hidden = isOff;
    if (state === was) return;
    if (state === 'open') {
      problem.textContent = '';
      followRoom();
    }
    document.title = isOff ? 'Chat' : `${fields.room.value.trim()} – Chat`;
    // What had the focus is hidden now.
    if (isOff) fields.room.focus();
    else if (was === 'off') text.focus();
  },
  problem(what) {
    problem.textContent = what;
  },
};

join.addEventListener('submit', (event) => {
  event.preventDefault();
  problem.textContent = '';
  session?.leave();
  messages.replaceChildren();
  try {
    session = new Session(fields.relay.value.trim(), fields.room.value.trim(), fields.name.value.trim(), view);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    problem.textContent = sentence(error.message);
  }
});

element('say').addEventListener('submit', (event) => {
  event.preventDefault();
  // What was not said stays, to be said again.
  if (type(text.value)) text.value = '';
});

leave.addEventListener('click', () => session?.leave());

// So that the others hear that it was on purpose.
addEventListener('pagehide', () => session?.leave());

/**
 * The page's address leads to the room that one is in, so that it can be given to others and kept.
 * A name is in it only if it was before.
 */
function followRoom() {
  const address = new URL(location.href);
  for (const [name, field] of Object.entries(fields)) {
    const isWanted = name === 'room' || field.value.trim() !== field.defaultValue;
    if (address.searchParams.has(name) || (isWanted && name !== 'name')) address.searchParams.set(name, field.value.trim());
  }
  if (address.href !== location.href) history.replaceState(null, '', address);
}

const query = new URLSearchParams(location.search);
for (const [name, field] of Object.entries(fields)) {
  const value = query.get(name);
  if (value !== null) field.value = value;
}
