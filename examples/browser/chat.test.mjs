// SPDX-License-Identifier: MIT OR Apache-2.0
// The chat's messages, and what is typed: the same cases as in examples/src/chat/message.rs, text.rs and command.rs.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clean, decodeFromServer, decodeFromUser, encodeFromServer, encodeFromUser, parse } from './chat-message.js';
import { numbered, shapeOf, wrongNick } from './chat-names.js';

const bytes = (...parts) => Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part]))));

test('what users say is understood', () => {
  for (const [message, chunk] of [
    [{ kind: 'hello', nick: 'anna' }, bytes(1, 1, 4, 'anna')],
    [{ kind: 'say', text: 'hello, wörld' }, bytes(1, 2, 'hello, wörld')],
    [{ kind: 'act', text: 'waves' }, bytes(1, 3, 'waves')],
    [{ kind: 'rename', nick: '名前' }, bytes(1, 4, 6, '名前')],
    [{ kind: 'who' }, bytes(1, 5)],
  ]) {
    assert.deepEqual(Buffer.from(encodeFromUser(message)), chunk);
    assert.deepEqual(decodeFromUser(chunk), message);
    assert.equal(decodeFromServer(chunk), undefined);
  }
});

test('what servers say is understood', () => {
  for (const [message, chunk] of [
    [{ kind: 'welcome', you: 'anna', server: 'bob' }, bytes(1, 65, 4, 'anna', 3, 'bob')],
    [{ kind: 'said', nick: 'anna', text: 'hello' }, bytes(1, 66, 4, 'annahello')],
    [{ kind: 'acted', nick: 'anna', text: 'waves' }, bytes(1, 67, 4, 'annawaves')],
    [{ kind: 'joined', nick: 'anna' }, bytes(1, 68, 4, 'anna')],
    [{ kind: 'left', nick: 'anna', how: 'left' }, bytes(1, 69, 0, 4, 'anna')],
    [{ kind: 'left', nick: 'anna', how: 'lost' }, bytes(1, 69, 1, 4, 'anna')],
    [{ kind: 'left', nick: 'anna', how: 'removed' }, bytes(1, 69, 2, 4, 'anna')],
    [{ kind: 'renamed', old: 'anna', nick: 'bob' }, bytes(1, 70, 4, 'anna', 3, 'bob')],
    [{ kind: 'here', nicks: ['anna', 'bob'] }, bytes(1, 71, 4, 'anna', 3, 'bob')],
    [{ kind: 'here', nicks: [] }, bytes(1, 71)],
    [{ kind: 'taken', nick: 'anna' }, bytes(1, 72, 4, 'anna')],
  ]) {
    assert.deepEqual(Buffer.from(encodeFromServer(message)), chunk);
    assert.deepEqual(decodeFromServer(chunk), message);
    assert.equal(decodeFromUser(chunk), undefined);
  }
});

test('who goes in a way that is not known yet is gone', () => {
  assert.deepEqual(decodeFromServer(bytes(1, 69, 3, 1, 'a')), { kind: 'left', nick: 'a', how: 'left' });
});

test('everything else is not', () => {
  for (const chunk of [
    [], [1], [2, 5], [1, 99], [1, 5, 0], [1, 1], [1, 1, 5, 97], [1, 1, 1, 0xff], [1, 2, 0xff],
    // A name that would move a cursor, and one with a byte behind it.
    [1, 1, 3, 97, 27, 98], [1, 1, 1, 97, 98],
  ]) {
    assert.equal(decodeFromUser(Uint8Array.from(chunk)), undefined, `${chunk}`);
  }
  assert.equal(decodeFromServer(Uint8Array.from([1, 71, 1, 97, 2, 98])), undefined);
});

test('names are short and visible', () => {
  for (const nick of ['a', 'anna', 'Jürgen', '名前', 'x_-.1', 'n'.repeat(24), '😀'.repeat(24)]) {
    assert.equal(wrongNick(nick), undefined, nick);
  }
  for (const nick of ['', ' ', 'a b', 'a\tb', 'a\x1b[2J', '/quit', '\u202ea', '\u0301a', '\ud83d', 'a\udc00', 'n'.repeat(25)]) {
    assert.notEqual(wrongNick(nick), undefined, JSON.stringify(nick));
  }
});

test('nothing invisible is in a name', () => {
  // Controls of the format, fillers, blanks, variation selectors, tags, annotations, private and unassigned characters, and those that are none.
  for (const code of [
    0xad, 0x34f, 0x61c, 0x70f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180b, 0x180e, 0x200b, 0x200d, 0x2028, 0x2060, 0x2061, 0x2065, 0x206a, 0x206f,
    0x2800, 0x3000, 0x303f, 0x3164, 0xa0, 0xfe0f, 0xfeff, 0xffa0, 0xfff9, 0xfffc, 0x13430, 0x13441, 0x16fe4, 0x1bca0, 0x1d159, 0x1d173, 0xe0061,
    0xe0100, 0xe000, 0x10fffd, 0x378, 0xffff, 0x10ffff,
  ]) {
    assert.notEqual(wrongNick(`anna${String.fromCodePoint(code)}`), undefined, code.toString(16));
  }
});

test('names that look the same do', () => {
  for (const [one, other] of [
    ['anna', 'ann\u0430'], ['paypal', '\u0440\u0430\u0443\u0440\u0430\u04cf'], ['bill', 'bi11'], ['O0', '0O'], ['modern', 'modem'],
    ['\u00fc', 'u\u0308'], ['a\u0323\u0307', 'a\u0307\u0323'], ['\uac01', '\u1100\u1161\u11a8'],
    ['scope', '\u0455\u0441\u043e\u0440\u0435'], ['anna', '\u{1d41a}\u{1d427}\u{1d427}\u{1d41a}'], ['\u212b', '\u00c5'],
  ]) {
    assert.equal(shapeOf(one), shapeOf(other), `${one} ${other}`);
  }
  for (const [one, other] of [['anna', 'Anna'], ['anna', 'hanna'], ['ann', 'ann\u0301'], ['bob-2', 'bob-3']]) {
    assert.notEqual(shapeOf(one), shapeOf(other), `${one} ${other}`);
  }
});

test('numbered names are names', () => {
  assert.equal(numbered('ü'.repeat(24), 12), `${'ü'.repeat(21)}-12`);
  assert.equal(numbered('anna', 2), 'anna-2');
});

test('texts are cleaned on both sides', () => {
  assert.equal(clean('plain text, ünïcödé, 👩‍💻'), 'plain text, ünïcödé, 👩‍💻');
  assert.equal(clean('\x1b[31mred\x07\r\nnext\u202e'), '\ufffd[31mred\ufffd\ufffd\ufffdnext\ufffd');
  assert.equal(clean('a\u061cb\u206fc\ufff9'), 'a\ufffdb\ufffdc\ufffd');
  assert.equal([...clean('😀'.repeat(5_000))].length, 2_001);
  assert.deepEqual(decodeFromUser(bytes(1, 2, 'a\x1b[2J')), { kind: 'say', text: 'a\ufffd[2J' });
  assert.deepEqual(Buffer.from(encodeFromUser({ kind: 'say', text: 'a\nb' })), bytes(1, 2, 'a\ufffdb'));
  // What looks like the mark of a file stays what it is.
  assert.deepEqual(decodeFromUser(bytes(1, 2, '\ufeffa')), { kind: 'say', text: '\ufeffa' });
});

test('a full room fits a chunk', () => {
  const nicks = Array(257).fill('😀'.repeat(24));
  assert.ok(encodeFromServer({ kind: 'here', nicks }).length <= 32_768);
});

test('lines are understood', () => {
  for (const [line, command] of [
    ['', { kind: 'nothing' }],
    ['  \t', { kind: 'nothing' }],
    [' hello there ', { kind: 'say', text: 'hello there' }],
    ['//quit', { kind: 'say', text: '/quit' }],
    ['/me  waves ', { kind: 'act', text: 'waves' }],
    ['/nick anna', { kind: 'rename', nick: 'anna' }],
    ['/who', { kind: 'who' }],
    ['/kick  anna ', { kind: 'kick', nick: 'anna' }],
    ['/block anna', { kind: 'block', nick: 'anna' }],
    ['/kick', { kind: 'unknown', text: '/kick' }],
    ['/block ', { kind: 'unknown', text: '/block' }],
    ['/quit', { kind: 'quit' }],
    ['/help', { kind: 'help' }],
    ['/help me', { kind: 'unknown', text: '/help me' }],
    ['/me', { kind: 'unknown', text: '/me' }],
    ['/who is it', { kind: 'unknown', text: '/who is it' }],
    ['/dance', { kind: 'unknown', text: '/dance' }],
    ['/', { kind: 'unknown', text: '/' }],
  ]) {
    assert.deepEqual(parse(line), command, line);
  }
});
