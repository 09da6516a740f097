import { z } from "zod";
import type { EncoderSpec } from "../encoder/spec.ts";
import { InputError } from "../errors/input-error.ts";

/**
 * Test-time register (Jiang et al. 2506.08010): a zero token that is appended to the sequence and passes the whole encoder.
 * In every block, each register neuron's largest activation over the patches is moved to it, and the patches' own become
 * zero; CLS and trained registers keep theirs. The token is no patch: it is not pooled, deleted, drawn or counted.
 */
export const testTimeRegisterSchema = z.strictObject({
  /** Register neurons: block and column of the input of its fc2, both 0-based. */
  neurons: z
    .array(z.tuple([z.int().min(0), z.int().min(0)]))
    .min(1)
    .max(4096),
});

export type TestTimeRegister = z.infer<typeof testTimeRegisterSchema>;

/**
 * Register neurons of one block, ascending.
 * @throws InputError for a neuron that the encoder does not have
 */
export function neuronsOf(
  register: TestTimeRegister | undefined,
  spec: Pick<EncoderSpec, "blocks" | "mlpWidth">,
  block: number,
): readonly number[] {
  const { blocks, mlpWidth } = spec;
  const stray = register?.neurons.find(([at, neuron]) => at >= blocks || neuron >= mlpWidth);
  if (stray) {
    throw new InputError(
      "Test-time register",
      `neurons of blocks up to ${blocks - 1} and columns up to ${mlpWidth - 1}`,
      `neuron ${stray[1]} of block ${stray[0]}`,
      "Find the register neurons of this encoder.",
    );
  }
  const own = (register?.neurons ?? []).filter(([at]) => at === block).map(([, neuron]) => neuron);
  return [...new Set(own)].sort((a, b) => a - b);
}
