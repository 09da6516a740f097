/** One comparison in the browser; all files by their address on the development server. */
export interface ParityRequest {
  readonly backend: "wasm" | "webgpu";
  /** Of the checkpoint's folder. */
  readonly files: readonly string[];
  readonly reference: string;
  readonly image: string;
}
