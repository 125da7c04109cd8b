// Made by peote-interface from board.rs.txt. Changes belong there.
import { answering, calling, define } from 'peote-net/rpc';
import { bool, bytes, choice, f32, f64, haxe, i16, i24, i32, i64, i8, list, map, nothing, option, record, result, string, tuple, u24, u32, u64, u8 } from 'peote-net/value';

/** A place. */
export const Place = record({ topLeft: tuple(i16, i16), name: string });

export const Pair = tuple(u8, Place);

export const Piece = choice({
  /** Nothing. */
  none: [0],
  pawn: [4, Place],
  tower: [5, u8, Pair],
});

/**
 * What a server lets its users call. * /
 *
 * Two lines.
 */
export const Board = define({
  /** Draws. */
  drawLine: calling(i16, list(tuple(i8, u24)), bytes), // fromX, points, colour
  bytes: answering(bytes, bytes, bytes, bytes), // a, b, c
  say: calling(string), // type
  later: answering(option(map(string, f32)), Piece), // piece
  done: answering(bool),
  all: answering(result(nothing, i32), bool, u64, i64, f64, haxe, i24, u32), // a, b, c, d, e, f, g
  flow: calling(),
}, 'it\'s 2');
