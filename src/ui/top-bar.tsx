import { Button, FileTrigger, Tooltip, TooltipTrigger } from "react-aria-components";
import { formatBytes } from "../figures/format.ts";
import type { EngineStatus } from "../worker/api.ts";
import { SegmentField } from "./fields.tsx";
import { useLab, useLabState } from "./lab-context.tsx";
import { ParityBadge } from "./parity-badge.tsx";
import { WorkProgress } from "./progress.tsx";
import { useTheme } from "./theme.tsx";

const THEMES = [
  { id: "system", label: "System" },
  { id: "light", label: "Light" },
  { id: "dark", label: "Dark" },
] as const;

/** Product, model, engine status and theme. */
export function TopBar() {
  const { choice, choose } = useTheme();
  return (
    <header className="top-bar">
      <div className="brand">
        <img src="./favicon.svg" alt="" width="28" height="28" />
        <h1>RegScope</h1>
      </div>
      <ModelMark />
      <div className="top-right">
        <StatusMark />
        <SegmentField label="Theme" hidesLabel value={choice} options={THEMES} onChange={choose} />
      </div>
    </header>
  );
}

function ModelMark() {
  const lab = useLab();
  const model = useLabState((state) => state.model);
  const opening = useLabState((state) => state.opening);
  return (
    <div className="model-mark">
      {model && (
        <p>
          <strong data-testid="model-name">{model.spec.label}</strong>{" "}
          <span className="muted">
            {formatBytes(model.bytes)} · sha256 <code title={model.sha256}>{model.sha256.slice(0, 8)}</code>
          </span>
        </p>
      )}
      {model?.spec.outlierOrigin && (
        <span className="badge badge-induced" data-testid="outlier-origin">
          outliers: {model.spec.outlierOrigin}
        </span>
      )}
      <ParityBadge />
      {opening ? (
        <WorkProgress
          progress={opening.progress}
          cancelLabel="Cancel"
          onCancel={() => void lab.cancelOpening()}
        />
      ) : (
        <>
          <Button onPress={() => void lab.openPicker()} data-testid="open-picker">
            Models…
          </Button>
          <FileTrigger
            allowsMultiple
            acceptedFileTypes={[".safetensors", ".json"]}
            onSelect={(files) => files && void lab.openFiles([...files])}
            data-testid="model-input"
          >
            <Button>Open files…</Button>
          </FileTrigger>
        </>
      )}
    </div>
  );
}

/** E.g. "live · wasm · 2 threads". */
function statusText({ backend, threads }: EngineStatus): string {
  return `live · ${backend} · ${threads} ${threads === 1 ? "thread" : "threads"}`;
}

function statusDetail(status: EngineStatus): string {
  const webgpu =
    status.backend === "webgpu"
      ? "WebGPU reproduced the WASM result on this model."
      : `WebGPU is not used: ${status.webgpuRefusal ?? "it was not tried yet"}.`;
  const threads = status.crossOriginIsolated
    ? "The page is cross-origin isolated, so WASM may use threads; the fastest count was measured at the start."
    : "The page is not cross-origin isolated, so WASM runs on one thread.";
  return `${webgpu} ${threads}`;
}

function StatusMark() {
  const status = useLabState((state) => state.status);
  const hasModel = useLabState((state) => state.model !== null);
  if (!status || !hasModel) {
    return (
      <span className="status status-waiting" data-testid="status">
        starting
      </span>
    );
  }
  return (
    <>
      <TooltipTrigger delay={200}>
        <Button className="status" data-testid="status" aria-describedby="status-detail">
          {statusText(status)}
        </Button>
        <Tooltip placement="bottom end">{statusDetail(status)}</Tooltip>
      </TooltipTrigger>
      {/* The tooltip exists only while it is open. */}
      <span id="status-detail" className="visually-hidden" data-testid="status-detail">
        {statusDetail(status)}
      </span>
    </>
  );
}
