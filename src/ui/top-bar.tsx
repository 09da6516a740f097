import type { EngineStatus } from "../worker/api.ts";
import { DetailMark } from "./detail-mark.tsx";
import { SegmentField } from "./fields.tsx";
import { HalfIcon, MoonIcon, SunIcon } from "./icons.tsx";
import { useLabState } from "./lab-context.tsx";
import { ModelMark } from "./model-mark.tsx";
import { useTheme } from "./theme.tsx";

const THEMES = [
  { id: "system", label: "System", icon: <HalfIcon /> },
  { id: "light", label: "Light", icon: <SunIcon /> },
  { id: "dark", label: "Dark", icon: <MoonIcon /> },
] as const;

/** Product, model, engine status and theme: one row from 1280 px on. */
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
        <SegmentField
          label="Theme"
          hidesLabel
          value={choice}
          options={THEMES}
          testId="theme"
          onChange={choose}
        />
      </div>
    </header>
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
    <DetailMark className="status" testId="status" detail={statusDetail(status)}>
      {statusText(status)}
    </DetailMark>
  );
}
