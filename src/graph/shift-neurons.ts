import { type EncoderSpec, leadingTokens } from "../encoder/spec.ts";
import type { GraphBuilder } from "./onnx.ts";

/**
 * Moves activations to a test-time register (Jiang et al. 2506.08010), the last row of `x` [T + 1, mlpWidth]: there each
 * register neuron gets its largest activation over the patches, whose own become zero. Rows before the patches keep theirs
 * (as in the authors' code). Which neurons is an input, so that one graph serves every choice.
 *
 * inputs   register_neurons [1, mlpWidth]: 1 for a register neuron, 0 for others
 */
export function shiftNeurons(g: GraphBuilder, x: string, spec: EncoderSpec): string {
  const chosen = g.input("register_neurons", [1, spec.mlpWidth]);
  const others = g.node("Sub", [g.constant([1]), chosen]);
  const first = leadingTokens(spec);
  const rows = (begin: number, end: number) =>
    g.node("Slice", [x, g.integers([begin]), g.integers([end]), g.integers([0])]);
  const patches = rows(first, -1);
  const peak = g.node("ReduceMax", [patches], { axes: [0], keepdims: 1 });
  const register = g.node("Add", [
    g.node("Mul", [rows(-1, Number.MAX_SAFE_INTEGER), others]),
    g.node("Mul", [peak, chosen]),
  ]);
  const parts = [g.node("Mul", [patches, others]), register];
  return g.node("Concat", first > 0 ? [rows(0, first), ...parts] : parts, { axis: 0 });
}
