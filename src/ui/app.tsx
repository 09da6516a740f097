import type { Updates } from "../offline/updates.ts";
import { AccuracyPanel } from "./accuracy-panel.tsx";
import { CheckpointPanel } from "./checkpoint-panel.tsx";
import { ClassesPanel } from "./classes-panel.tsx";
import { CurationPanel } from "./curation-panel.tsx";
import { DatasetPanel } from "./dataset-panel.tsx";
import { DeletionPanel } from "./deletion-panel.tsx";
import { ExperimentsPanel } from "./experiments-panel.tsx";
import { Figures } from "./figures.tsx";
import { ImagePanel } from "./image-panel.tsx";
import { Inspector } from "./inspector.tsx";
import { MaskPanel } from "./mask-panel.tsx";
import { Messages } from "./messages.tsx";
import { ModelPicker } from "./model-picker.tsx";
import { PrefixPanel } from "./prefix-panel.tsx";
import { QuantizationPanel } from "./quantization-panel.tsx";
import { ThemeProvider } from "./theme.tsx";
import { TopBar } from "./top-bar.tsx";
import { useFileInput } from "./use-file-input.ts";

/** The page. */
export function App({ updates }: { readonly updates: Updates }) {
  const isOver = useFileInput();
  return (
    <ThemeProvider>
      <div className={isOver ? "page page-over" : "page"}>
        <TopBar />
        <Messages updates={updates} />
        <ModelPicker />
        <aside className="controls" aria-label="Controls">
          <ImagePanel />
          <MaskPanel />
          <PrefixPanel />
          <DeletionPanel />
          <QuantizationPanel />
          <CurationPanel />
          <ClassesPanel />
          <DatasetPanel />
          <CheckpointPanel />
        </aside>
        <main className="figures">
          <Figures />
        </main>
        <aside className="inspector" aria-label="Inspector">
          <Inspector />
        </aside>
        <AccuracyPanel />
        <ExperimentsPanel />
        {isOver && (
          <div className="drop-note" aria-hidden="true">
            Drop an image, a model (model.safetensors with config.json and tokenizer.json), a registers file,
            class names or prompt templates (.txt), or a folder or zip of labelled images
          </div>
        )}
      </div>
    </ThemeProvider>
  );
}
