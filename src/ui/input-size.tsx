import { useState } from "react";
import { Button } from "react-aria-components";
import { type EncoderSpec, leadingTokens } from "../encoder/spec.ts";
import { MAX_GRID } from "../families/grid.ts";
import { NumberInput } from "./fields.tsx";
import { useLab, useLabState } from "./lab-context.tsx";

/** The side of the encoder's input, and opening it again at another: its position embedding is interpolated. */
export function InputSize({ spec }: { readonly spec: EncoderSpec }) {
  const lab = useLab();
  const isOpening = useLabState((state) => state.opening !== null);
  const isOwn = useLabState(
    ({ modelRequest }) => modelRequest?.kind === "bundled" || modelRequest?.overrides?.inputSize == null,
  );
  const current = spec.preprocess.size;
  const [side, setSide] = useState(current);
  const grid = Math.floor(side / spec.patch);
  return (
    <div>
      <NumberInput
        label="Input size (pixels)"
        value={side}
        min={spec.patch}
        max={spec.patch * MAX_GRID}
        step={spec.patch}
        testId="input-size"
        onChange={setSide}
      />
      <div className="row">
        <Button
          data-testid="input-size-apply"
          isDisabled={isOpening || side === current}
          onPress={() => void lab.setOverrides({ inputSize: side })}
        >
          Open at {side} px
        </Button>
        {!isOwn && (
          <Button
            data-testid="input-size-reset"
            isDisabled={isOpening}
            onPress={() => void lab.setOverrides({ inputSize: null })}
          >
            The checkpoint's own size
          </Button>
        )}
      </div>
      <p className="hint" data-testid="input-size-tokens">
        {grid} × {grid} patches, {grid * grid + leadingTokens(spec)} tokens; attention takes time and memory
        by their square. The position embedding is interpolated as the encoder's library does it.
      </p>
    </div>
  );
}
