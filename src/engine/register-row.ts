import { concat } from "../encoder/linears.ts";
import type { Tokens } from "../regcache/delete.ts";

/**
 * A test-time register is a row of the hidden state behind those of the surviving tokens: `positions` does not list it, so
 * it is no token to whatever reads positions. These are the places that have to know of it.
 */

/** The hidden state [T, D] with one more row [D]. */
export function withRegisterRow(x: Float32Array, row: Float32Array): Float32Array {
  return concat([x, row]);
}

/** The tokens' rows [T, D] of a hidden state [T, D] or [T + 1, D]. */
export function tokenRows({ x, positions }: Tokens, width: number): Float32Array {
  const length = positions.length * width;
  return x.length === length ? x : x.slice(0, length);
}

/** Changes the tokens' rows, e.g. deletes some; a register's row stays behind them. */
export function changeTokens<T extends Tokens>(
  tokens: Tokens,
  width: number,
  change: (tokens: Tokens) => T,
): T {
  const x = tokenRows(tokens, width);
  const changed = change({ x, positions: tokens.positions });
  return x === tokens.x ? changed : { ...changed, x: withRegisterRow(changed.x, tokens.x.slice(x.length)) };
}
