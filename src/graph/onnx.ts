import { MessageWriter } from "./protobuf.ts";

/**
 * A writer of ONNX models: a graph is a list of nodes, named values and initializers. Field numbers are
 * those of onnx.proto3 (github.com/onnx/onnx). Weights are not encoded: they stay where they are and are
 * handed to the runtime as external data, one "file" per initializer.
 */

/** Dimension of an input or output: a size, or the name of a size that varies from run to run. */
export type Dim = number | string;

/** A model and the weights that it refers to by path. */
export interface OnnxModel {
  readonly bytes: Uint8Array;
  readonly external: readonly { readonly path: string; readonly data: Uint8Array }[];
}

type Attribute = number | string | readonly number[] | { readonly float: number };

interface NodeRecord {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** Opset 17 is the first with LayerNormalization, and its reductions still take `axes` as an attribute. */
const OPSET = 17;
const IR_VERSION = 8;
/** Domain of ORT's own operators; `com.microsoft.X` names one. */
const ORT_DOMAIN = "com.microsoft";
const FLOAT = 1;
const UINT8 = 2;
const INT8 = 3;
const INT64 = 7;
const EXTERNAL = 1;

export class GraphBuilder {
  readonly #nodes: NodeRecord[] = [];
  readonly #initializers: MessageWriter[] = [];
  readonly #inputs: MessageWriter[] = [];
  readonly #outputs: MessageWriter[] = [];
  readonly #external: { path: string; data: Uint8Array }[] = [];
  /** Values that are outputs of the graph, by the name they go out under: no copying Identity node is needed. */
  readonly #outputNames = new Map<string, string>();
  readonly #shared = new Set<string>();
  readonly #name: string;
  readonly #embeds: boolean;
  #unique = 0;

  /** @param options.embedsWeights weights go into the model's own bytes, for a file that is whole by itself */
  constructor(name: string, options: { readonly embedsWeights?: boolean } = {}) {
    this.#name = name;
    this.#embeds = options.embedsWeights ?? false;
  }

  /** Declares an fp32 input and returns its name. */
  input(name: string, dims: readonly Dim[]): string {
    this.#inputs.push(valueInfo(name, dims));
    return name;
  }

  /** Like {@link input}, but several parts of the graph may ask for it: it is declared once. */
  sharedInput(name: string, dims: readonly Dim[]): string {
    if (this.#shared.has(name)) return name;
    this.#shared.add(name);
    return this.input(name, dims);
  }

  /** Declares `value`, the result of a node, an fp32 output under `name`. */
  output(name: string, value: string, dims: readonly Dim[]): void {
    this.#outputNames.set(value, name);
    this.#outputs.push(valueInfo(name, dims));
  }

  /** Adds a node and returns the name of its first output. */
  node(op: string, inputs: readonly string[], attributes: Record<string, Attribute> = {}): string {
    return this.nodes(op, inputs, 1, attributes)[0]!;
  }

  /** Adds a node with `count` outputs and returns their names. */
  nodes(
    op: string,
    inputs: readonly string[],
    count: number,
    attributes: Record<string, Attribute> = {},
  ): string[] {
    const outputs = Array.from({ length: count }, () => this.#fresh(op));
    this.#nodes.push({ op, inputs, outputs, attributes });
    return outputs;
  }

  /** Adds fp32 or int8 weights: as external data, without copying them, unless the model embeds them. */
  weights(name: string, dims: readonly number[], data: Float32Array | Int8Array): string {
    const expected = dims.reduce((product, dim) => product * dim, 1);
    if (data.length !== expected) {
      throw new Error(`${name}: shape [${dims}] needs ${expected} values, got ${data.length}`);
    }
    const unique = this.#fresh(name);
    const tensor = new MessageWriter()
      .ints(1, dims)
      .int(2, data instanceof Int8Array ? INT8 : FLOAT)
      .string(8, unique);
    if (this.#embeds) {
      this.#initializers.push(tensor.bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)));
      return unique;
    }
    for (const [key, value] of [
      ["location", unique],
      ["offset", "0"],
      ["length", String(data.byteLength)],
    ] as const) {
      tensor.message(13, new MessageWriter().string(1, key).string(2, value));
    }
    this.#initializers.push(tensor.int(14, EXTERNAL));
    this.#external.push({
      path: unique,
      data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    });
    return unique;
  }

  /** Adds a small fp32 constant: a scalar (shape []) or a vector. */
  constant(value: number | readonly number[]): string {
    const isScalar = typeof value === "number";
    const data = Float32Array.from(isScalar ? [value] : value);
    return this.#inline(FLOAT, isScalar ? [] : [data.length], new Uint8Array(data.buffer));
  }

  /** Adds a zero point: a scalar, or a vector of `count` equal ones. */
  zeroPoint(type: "uint8" | "int8", value: number, count?: number): string {
    const raw = new Uint8Array(count ?? 1).fill(value);
    return this.#inline(type === "uint8" ? UINT8 : INT8, count === undefined ? [] : [count], raw);
  }

  /** Adds a small int64 vector (shapes, indices, slice bounds). */
  integers(values: readonly number[]): string {
    const data = BigInt64Array.from(values.map(BigInt));
    return this.#inline(INT64, [data.length], new Uint8Array(data.buffer));
  }

  build(): OnnxModel {
    const graph = new MessageWriter();
    for (const node of this.#nodes) graph.message(1, this.#encode(node));
    graph.string(2, this.#name);
    for (const initializer of this.#initializers) graph.message(5, initializer);
    for (const input of this.#inputs) graph.message(11, input);
    for (const output of this.#outputs) graph.message(12, output);
    const opset = new MessageWriter().string(1, "").int(2, OPSET);
    const ownOpset = new MessageWriter().string(1, ORT_DOMAIN).int(2, 1);
    const model = new MessageWriter()
      .int(1, IR_VERSION)
      .string(2, "regscope")
      .message(7, graph)
      .message(8, opset)
      .message(8, ownOpset);
    return { bytes: model.finish(), external: this.#external };
  }

  #inline(type: number, dims: readonly number[], raw: Uint8Array): string {
    const name = this.#fresh("const");
    this.#initializers.push(new MessageWriter().ints(1, dims).int(2, type).string(8, name).bytes(9, raw));
    return name;
  }

  #encode({ op, inputs, outputs, attributes }: NodeRecord): MessageWriter {
    const known = (value: string) => this.#outputNames.get(value) ?? value;
    const node = new MessageWriter();
    for (const input of inputs) node.string(1, known(input));
    for (const output of outputs) node.string(2, known(output));
    const isOrt = op.startsWith(`${ORT_DOMAIN}.`);
    node.string(3, outputs[0]!).string(4, isOrt ? op.slice(ORT_DOMAIN.length + 1) : op);
    if (isOrt) node.string(7, ORT_DOMAIN);
    for (const [name, value] of Object.entries(attributes)) node.message(5, attribute(name, value));
    return node;
  }

  #fresh(stem: string): string {
    this.#unique += 1;
    return `${stem}_${this.#unique}`;
  }
}

function attribute(name: string, value: Attribute): MessageWriter {
  const message = new MessageWriter().string(1, name);
  if (typeof value === "number") return message.int(3, value).int(20, 2);
  if (typeof value === "string") return message.string(4, value).int(20, 3);
  if ("float" in value) return message.float(2, value.float).int(20, 1);
  return message.ints(8, value).int(20, 7);
}

function valueInfo(name: string, dims: readonly Dim[]): MessageWriter {
  const shape = new MessageWriter();
  for (const dim of dims) {
    const message = new MessageWriter();
    shape.message(1, typeof dim === "number" ? message.int(1, dim) : message.string(2, dim));
  }
  const tensor = new MessageWriter().int(1, FLOAT).message(2, shape);
  return new MessageWriter().string(1, name).message(2, new MessageWriter().message(1, tensor));
}
