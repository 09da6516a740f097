import { useState } from "react";
import { Button, FileTrigger } from "react-aria-components";
import { REGISTER_SLOTS } from "../graph/block.ts";
import { NumberInput } from "./fields.tsx";
import { useLab, useLabState } from "./lab-context.tsx";
import { WorkProgress } from "./progress.tsx";
import { saveFile } from "./save-file.ts";

/** Curates, opens and saves registers. */
export function CurationPanel() {
  const lab = useLab();
  const model = useLabState((state) => state.model);
  const curating = useLabState((state) => state.curating);
  const registersId = useLabState((state) => state.controls?.registers ?? null);
  const [block, setBlock] = useState<number | null>(null);
  const [top, setTop] = useState(100);
  const [distinct, setDistinct] = useState(1);
  if (!model) return null;
  const last = model.spec.blocks - 1;
  const current = model.registers.find(({ id }) => id === registersId);
  const chosenBlock = Math.min(block ?? current?.block ?? Math.floor(last / 2), last);

  async function save() {
    const file = await lab.saveRegisters();
    if (file) saveFile(file.name, file.bytes);
  }

  return (
    <section className="panel" aria-labelledby="curation-heading">
      <h2 id="curation-heading">Registers</h2>
      {current && (
        <p className="hint" data-testid="registers-info">
          {current.candidates} tokens of {current.images} images
          {current.distinct > 1 && ` in ${current.distinct} distinct registers`}, chosen after block{" "}
          {current.block}. Mean cosine among them {current.cosine.outliers.toFixed(3)}, among other tokens{" "}
          {current.cosine.normal.toFixed(3)}.
        </p>
      )}
      <div className="row">
        <NumberInput
          label="After block"
          value={chosenBlock}
          min={0}
          max={last}
          step={1}
          testId="curate-block"
          onChange={setBlock}
        />
        <NumberInput
          label="Top tokens"
          value={top}
          min={1}
          max={10000}
          step={1}
          testId="curate-top"
          onChange={setTop}
        />
        <NumberInput
          label="Distinct"
          value={distinct}
          min={1}
          max={Math.min(REGISTER_SLOTS, top)}
          step={1}
          testId="curate-distinct"
          onChange={setDistinct}
        />
      </div>
      {curating ? (
        <WorkProgress progress={curating} cancelLabel="Cancel" onCancel={() => void lab.cancelCuration()} />
      ) : (
        <div className="row">
          <FileTrigger
            allowsMultiple
            acceptedFileTypes={["image/*"]}
            onSelect={(files) =>
              files && void lab.curate([...files], { block: chosenBlock, top, registers: distinct })
            }
            data-testid="curate-input"
          >
            <Button>Curate from images…</Button>
          </FileTrigger>
          <FileTrigger
            acceptedFileTypes={[".safetensors"]}
            onSelect={(files) => files?.[0] && void lab.openRegisters(files[0])}
            data-testid="registers-input"
          >
            <Button>Open…</Button>
          </FileTrigger>
          <Button isDisabled={registersId === null} onPress={() => void save()}>
            Save
          </Button>
        </div>
      )}
      <p className="hint">
        Keeps the tokens with the largest residual L∞ after that block over all images, and averages their
        keys and values (paper, steps 2 and 3; 30 images are a good start). Several distinct registers are the
        averages of groups of tokens whose keys point alike.
      </p>
    </section>
  );
}
