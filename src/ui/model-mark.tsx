import { useRef } from "react";
import { Button, FileTrigger } from "react-aria-components";
import { formatBytes } from "../figures/format.ts";
import { modelName } from "../store/model-name.ts";
import type { ModelInfo } from "../worker/api.ts";
import { DetailMark } from "./detail-mark.tsx";
import { FolderIcon } from "./icons.tsx";
import { useLab, useLabState } from "./lab-context.tsx";
import { ParityBadge } from "./parity-badge.tsx";
import { WorkProgress } from "./progress.tsx";

/** The model in use, and the ways to another one. */
export function ModelMark() {
  const lab = useLab();
  const model = useLabState((state) => state.model);
  const request = useLabState((state) => state.modelRequest);
  const opening = useLabState((state) => state.opening);
  const name = model && modelName(model.spec, request);
  const models = useRef<HTMLButtonElement>(null);
  return (
    <div className="model-mark">
      {model && name && <ModelLabel model={model} name={name} />}
      {model?.spec.outlierOrigin && (
        <DetailMark
          className="badge badge-induced"
          testId="outlier-origin"
          detail={`How the outliers of this encoder came about, as its config says: ${model.spec.outlierOrigin}.`}
        >
          outliers: {model.spec.outlierOrigin}
        </DetailMark>
      )}
      <ParityBadge />
      {/* It stays while a model is opened: the focus returns here from the dialog, and from Cancel. */}
      <Button ref={models} onPress={() => void lab.openPicker()} data-testid="open-picker">
        Models…
      </Button>
      <FileTrigger
        allowsMultiple
        acceptedFileTypes={[".safetensors", ".json"]}
        onSelect={(files) => files && void lab.openFiles([...files])}
        data-testid="model-input"
      >
        <Button aria-label="Open model files…" className="icon-button">
          <FolderIcon />
        </Button>
      </FileTrigger>
      {opening && (
        <WorkProgress
          progress={opening.progress}
          cancelLabel="Cancel"
          onCancel={() => void lab.cancelOpening()}
          focusAfter={models}
        />
      )}
      <span className="visually-hidden" role="status" data-testid="model-announcement">
        {name && !opening ? `${name} is open.` : ""}
      </span>
    </div>
  );
}

const INTEGRITY = {
  checked: { mark: "", detail: "" },
  checking: { mark: "checking…", detail: " by the Hub; the download is being checked" },
  damaged: { mark: "damaged", detail: " by the Hub, which the download has not" },
} as const satisfies Record<ModelInfo["integrity"], unknown>;

function ModelLabel(props: { readonly model: ModelInfo; readonly name: string }) {
  const { bytes, sha256, integrity } = props.model;
  const { mark, detail } = INTEGRITY[integrity];
  return (
    <DetailMark
      className="model-label"
      testId="model-label"
      detail={`${props.name}, ${formatBytes(bytes)}, sha256 ${sha256}${detail}`}
    >
      <strong data-testid="model-name">{props.name}</strong>{" "}
      <span className="muted">
        {formatBytes(bytes)}
        <span className="model-digest">
          {" "}
          · <code title={sha256}>{sha256.slice(0, 8)}</code>
        </span>
        {mark && <span data-testid="model-integrity"> · {mark}</span>}
      </span>
    </DetailMark>
  );
}
