import { useState } from "react";
import { Button, FileTrigger } from "react-aria-components";
import { counted } from "../figures/counted.ts";
import { REGISTER_SLOTS } from "../graph/block.ts";
import { curationBlocks } from "../regcache/curate.ts";
import { sensitiveBlockOf } from "../store/experiments.ts";
import { NumberInput } from "./fields.tsx";
import { useLab, useLabState } from "./lab-context.tsx";
import { WorkProgress } from "./progress.tsx";
import { RegistersFacts } from "./registers-facts.tsx";
import { saveFile } from "./save-file.ts";
import { SkippedImages } from "./skipped-images.tsx";
import { SourcePicker } from "./source-picker.tsx";

/** Curates, opens and saves registers. */
export function CurationPanel() {
  const lab = useLab();
  const model = useLabState((state) => state.model);
  const curating = useLabState((state) => state.curating);
  const registersId = useLabState((state) => state.controls?.registers ?? null);
  if (!model) return null;
  const current = model.registers.find(({ id }) => id === registersId);

  async function save() {
    const file = await lab.saveRegisters();
    if (file) saveFile(file.name, file.bytes);
  }

  return (
    <section className="panel" aria-labelledby="curation-heading">
      <h2 id="curation-heading">Registers</h2>
      {current && <RegistersFacts registers={[current]} testId="registers" />}
      <SkippedImages skipped={current?.skipped} testId="registers-skipped" />
      {current?.sets?.map(({ name, images, candidates, cosine }, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two sets may have one name, and their order is theirs
        <p key={i} className="hint" data-testid="registers-set">
          {name}: {counted(candidates, "token")} of {counted(images, "image")}, cosine{" "}
          {cosineText(cosine.outliers)} and {cosineText(cosine.normal)}.
        </p>
      ))}
      <div className="row">
        <FileTrigger
          acceptedFileTypes={[".safetensors"]}
          onSelect={(files) => files?.[0] && void lab.openRegisters(files[0])}
          data-testid="registers-input"
        >
          <Button isDisabled={curating !== null}>Open…</Button>
        </FileTrigger>
        <Button isDisabled={registersId === null} onPress={() => void save()}>
          Save
        </Button>
      </div>
      <h3 id="curate-heading">Curate</h3>
      <CurationFields blocks={model.spec.blocks} start={current?.block ?? null} />
    </section>
  );
}

/**
 * From which blocks, how much and from which images.
 * @param props.start last block of the registers in use, null without any
 */
function CurationFields({ blocks, start }: { readonly blocks: number; readonly start: number | null }) {
  const lab = useLab();
  const curating = useLabState((state) => state.curating);
  const isCurating = curating !== null;
  const sensitiveBlock = useLabState((state) => sensitiveBlockOf(state.experiments));
  const [block, setBlock] = useState<number | null>(null);
  const [from, setFrom] = useState<number | null>(null);
  const [top, setTop] = useState(100);
  const [distinct, setDistinct] = useState(1);
  const [limit, setLimit] = useState(100);
  const last = blocks - 1;
  const chosen = Math.min(block ?? sensitiveBlock ?? start ?? Math.floor(last / 2), last);
  const first = Math.min(from ?? curationBlocks(chosen).from, chosen);
  const settings = { from: first, block: chosen, top, registers: distinct };
  const numbers: [
    label: string,
    value: number,
    min: number,
    max: number,
    name: string,
    set: (n: number) => void,
  ][] = [
    ["From block", first, 0, chosen, "from", setFrom],
    ["To block", chosen, 0, last, "block", setBlock],
    ["Top tokens", top, 1, 10_000, "top", setTop],
    ["Distinct", distinct, 1, Math.min(REGISTER_SLOTS, top), "distinct", setDistinct],
    ["Images of a set at most", limit, 1, 100_000, "limit", setLimit],
  ];
  return (
    <>
      <div className="row">
        {numbers.map(([label, value, min, max, name, set]) => (
          <NumberInput
            key={name}
            label={label}
            value={value}
            min={min}
            max={max}
            step={1}
            testId={`curate-${name}`}
            onChange={set}
          />
        ))}
      </div>
      <SourcePicker
        testId="curate"
        isDisabled={isCurating}
        action="Curate from"
        onChoose={(images) => void lab.curate(images, settings, limit)}
        before={
          <Button
            isDisabled={isCurating}
            data-testid="curate-dataset"
            onPress={() => void lab.curate(null, settings, limit)}
          >
            Data set
          </Button>
        }
      />
      {curating && (
        <WorkProgress
          progress={curating}
          cancelLabel="Cancel"
          testId="curating"
          onCancel={() => void lab.cancelCuration()}
        />
      )}
      <p className="hint">
        Pass 1 keeps the tokens with the largest residual L∞ after these blocks (paper: max(0, l_q − 3) to
        l_q, {sensitiveBlock === null ? "the most sensitive block" : `here ${sensitiveBlock}`}), pass 2
        averages their keys and values. Data set: the probe images of the one below. Distinct: averages of
        groups of tokens whose keys point alike.
      </p>
    </>
  );
}

/** A mean cosine; "-" where there are no two tokens to compare. */
function cosineText(cosine: number | null): string {
  return cosine === null ? "-" : cosine.toFixed(3);
}
