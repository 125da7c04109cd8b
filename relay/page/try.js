// @ts-check
// SPDX-License-Identifier: MIT OR Apache-2.0
/**
 * The page of `peote-relay --try`: two chat pages that enter one room, and the relay's figures.
 * All that comes from the relay goes into the document as text.
 * @module
 */

/** Milliseconds between two looks at the figures; the relay makes new ones once a second. */
const INTERVAL = 1000;

/** @param {string} id */
function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found;
}

const relay = document.body.dataset.relay ?? '';

for (const name of ['anna', 'bob']) {
  const frame = /** @type {HTMLIFrameElement} */ (element(name));
  const query = new URLSearchParams({ relay: `ws://${relay}/`, room: 'try', name });
  // it is the same origin, so the form can be sent from here
  frame.addEventListener('load', () => frame.contentDocument?.querySelector('form')?.requestSubmit());
  frame.src = `chat/index.html?${query}`;
}

/** @param {number} bytes */
function size(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  for (; bytes >= 1024 && unit < units.length - 1; unit += 1) bytes /= 1024;
  return `${unit ? bytes.toFixed(1) : bytes} ${units[unit]}`;
}

/**
 * @param {string} name
 * @param {string | number} value
 */
function total(name, value) {
  const group = document.createElement('div');
  const [term, figure] = [document.createElement('dt'), document.createElement('dd')];
  term.textContent = name;
  figure.textContent = String(value);
  group.append(term, figure);
  return group;
}

/** @param {(string | number)[]} cells */
function row(cells) {
  const made = document.createElement('tr');
  for (const text of cells) made.insertCell().textContent = String(text);
  return made;
}

async function look() {
  const response = await fetch('figures', { cache: 'no-store' });
  if (!response.ok) throw new Error(await response.text());
  const now = await response.json();
  element('totals').replaceChildren(
    // without the one that asks for these figures
    total('connections', now.connections - 1),
    total('channels', now.channel_count),
    total('users', now.users),
    total('in, a second', size(now.received_per_second)),
    total('out, a second', size(now.sent_per_second)),
    total('waiting in queues', size(now.queued_bytes)),
    total('up, seconds', Math.floor(now.uptime_ms / 1000)),
  );
  const channels = now.channels.map((/** @type {any} */ one) => row([one.name, one.users, one.connection]));
  element('channels').replaceChildren(...channels);
  const connections = now.busiest.map((/** @type {any} */ one) =>
    row([one.connection, one.address, one.transport, one.received_per_second, one.sent_per_second]));
  element('connections').replaceChildren(...connections);
}

for (;;) {
  let problem = '';
  try {
    await look();
  } catch (error) {
    problem = `No figures: ${error instanceof Error ? error.message : error}`;
  }
  element('problem').textContent = problem;
  await new Promise((done) => setTimeout(done, INTERVAL));
}
