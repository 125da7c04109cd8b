// The page and the terminal judge names alike. PEOTE_NAMES is a file of names as the terminal
// judges them (names.rs); without it there is nothing to test.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { shapeOf, wrongNick } from '../../../examples/browser/chat-names.js';

const file = process.env.PEOTE_NAMES;
const options = { skip: file === undefined };

/** The shape of a name; `null`: it is none. */
const judged = (name) => (wrongNick(name) ? null : shapeOf(name));

/** FNV-1a over code points, and an end. */
function add(sum, text) {
  for (const character of text) sum = Math.imul(sum ^ character.codePointAt(0), 0x01000193) >>> 0;
  return Math.imul(sum ^ 0xffffffff, 0x01000193) >>> 0;
}

test('every character, and many names, are judged alike', options, () => {
  const lines = readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const [blocks, names] = [lines.filter((line) => line.length === 3), lines.filter((line) => line.length === 2)];
  for (const [start, end, wanted] of blocks) {
    let sum = 0x811c9dc5;
    for (let code = start; code < end; code += 1) {
      if (code >= 0xd800 && code < 0xe000) continue;
      sum = add(sum, judged(`a${String.fromCodePoint(code)}`) ?? '');
    }
    assert.equal(sum, wanted, `from ${start.toString(16)} on`);
  }
  for (const [name, wanted] of names) assert.equal(judged(name), wanted, JSON.stringify(name));
  const valid = names.filter(([, shape]) => shape !== null).length;
  assert.ok(blocks.length > 60 && names.length >= 4_000 && valid > 500, `${blocks.length}, ${names.length}, ${valid}`);
});
