import { useState } from "react";
import { Button } from "react-aria-components";
import { HUB_ROWS_API } from "../evaluate/hub-dataset.ts";
import type { ImageSource } from "../worker/api.ts";
import { NumberInput, TextInput } from "./fields.tsx";

/** Names an image data set of the Hub, read row by row through its rows API. */
export function HubForm(props: {
  readonly isDisabled: boolean;
  readonly onChoose: (images: ImageSource) => void;
}) {
  const [dataset, setDataset] = useState("");
  const [config, setConfig] = useState("");
  const [split, setSplit] = useState("");
  const [base, setBase] = useState(HUB_ROWS_API);
  const [rows, setRows] = useState(500);
  return (
    <details data-testid="hub">
      <summary>From the Hub</summary>
      <div className="hub-form">
        <TextInput
          label="Data set"
          value={dataset}
          placeholder="owner/name"
          testId="hub-id"
          onChange={setDataset}
        />
        <TextInput
          label="Config"
          value={config}
          placeholder="first"
          testId="hub-config"
          onChange={setConfig}
        />
        <TextInput label="Split" value={split} placeholder="test" testId="hub-split" onChange={setSplit} />
        <NumberInput
          label="Rows"
          value={rows}
          min={100}
          max={100_000}
          step={100}
          testId="hub-rows"
          onChange={setRows}
        />
        <TextInput label="Server of the rows API" value={base} testId="hub-base" onChange={setBase} />
        <Button
          isDisabled={props.isDisabled || dataset.trim() === ""}
          data-testid="hub-open"
          onPress={() =>
            props.onChoose({
              kind: "hub",
              request: {
                base: base.trim(),
                dataset: dataset.trim(),
                rows,
                ...(config.trim() && { config: config.trim() }),
                ...(split.trim() && { split: split.trim() }),
              },
            })
          }
        >
          Open
        </Button>
        <p className="hint">Here the images come from that server; your own never leave this machine.</p>
      </div>
    </details>
  );
}
