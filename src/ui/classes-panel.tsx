import { useRef } from "react";
import { Button, FileTrigger } from "react-aria-components";
import { describeZeroShot } from "../evaluate/zero-shot.ts";
import { formatBytes, formatCount } from "../figures/format.ts";
import { isStale, presetOf } from "../store/class-lists.ts";
import { TEMPLATE_PRESETS } from "../text/prompts.ts";
import type { TextTowerInfo } from "../worker/api.ts";
import { SelectField, TextAreaField } from "./fields.tsx";
import { useLab, useLabState } from "./lab-context.tsx";
import { WorkProgress } from "./progress.tsx";

const PRESETS = TEMPLATE_PRESETS.map(({ id, label }) => ({ id, label }));

/** Class names and prompt templates for zero-shot classification, where the checkpoint has a text tower. */
export function ClassesPanel() {
  const model = useLabState((state) => state.model);
  if (!model) return null;
  return (
    <section className="panel" aria-labelledby="classes-heading">
      <h2 id="classes-heading">Classes</h2>
      {model.text ? <ZeroShotControls text={model.text} /> : <OwnClasses count={model.spec.classes} />}
    </section>
  );
}

function OwnClasses({ count }: { readonly count: number }) {
  return (
    <p className="hint" data-testid="classes-note">
      {count > 0
        ? `The encoder's own head chooses among ${formatCount(count)} classes.`
        : "This checkpoint has neither a classification head nor a text tower. Live accuracy fits the head that is chosen under Data set."}
    </p>
  );
}

function ZeroShotControls({ text }: { readonly text: TextTowerInfo }) {
  const lab = useLab();
  const classes = useLabState((state) => state.classes);
  const { embedded, embedding } = classes;
  const preset = presetOf(classes.templates);
  const start = useRef<HTMLButtonElement>(null);
  return (
    <>
      <TextAreaField
        label="Class names, one a line"
        value={classes.names}
        rows={6}
        testId="class-names"
        onChange={(names) => lab.setClasses({ names })}
      />
      <SelectField
        label="Prompt templates"
        value={preset}
        options={PRESETS}
        placeholder="your own"
        testId="template-preset"
        onChange={(id) => lab.chooseTemplates(id)}
      />
      <details>
        <summary>Edit the templates</summary>
        <TextAreaField
          label="One a line, {} stands for the class name"
          value={classes.templates}
          rows={4}
          testId="templates"
          onChange={(templates) => lab.setClasses({ templates })}
        />
        <ListFile list="templates" label="Open templates…" />
      </details>
      <div className="row">
        <Button
          ref={start}
          className="primary"
          isPending={embedding !== null}
          onPress={() => void lab.embedClasses()}
          data-testid="embed-classes"
        >
          Classify
        </Button>
        <ListFile list="names" label="Open classes…" />
      </div>
      {embedding && (
        <WorkProgress
          progress={embedding}
          cancelLabel="Cancel"
          onCancel={() => void lab.cancelEmbedding()}
          focusAfter={start}
        />
      )}
      <p className="hint" data-testid="classes-note">
        {embedded
          ? `${isStale(classes) ? "Changed since: the readout is still" : "The readout is"} ${describeZeroShot(embedded)}.`
          : "Zero-shot: the text tower embeds every class name in every template; the image is compared with their mean."}
      </p>
      <TextDownload text={text} />
    </>
  );
}

/** What of a text tower is still on the Hub: told before anything is downloaded. */
function TextDownload({ text: { missing, missingToClassify } }: { readonly text: TextTowerInfo }) {
  const lab = useLab();
  const downloading = useLabState((state) => state.classes.downloading);
  const start = useRef<HTMLButtonElement>(null);
  if (missing === 0 && !downloading) return null;
  return (
    <div className="text-download" data-testid="text-missing">
      <p className="hint">
        {missingToClassify > 0
          ? `Classify downloads ${formatBytes(missingToClassify)} of the text tower, and the embeddings of new words. Downloaded whole, it needs no network.`
          : "The text tower is here, except for words that no class list has used yet. Downloaded whole, it needs no network."}
      </p>
      <Button
        ref={start}
        isPending={downloading !== null}
        onPress={() => void lab.downloadText()}
        data-testid="download-text"
      >
        Download the text tower ({formatBytes(missing)})
      </Button>
      {downloading && (
        <WorkProgress
          progress={downloading}
          cancelLabel="Cancel"
          onCancel={() => void lab.cancelTextDownload()}
          focusAfter={start}
        />
      )}
    </div>
  );
}

function ListFile({ list, label }: { readonly list: "names" | "templates"; readonly label: string }) {
  const lab = useLab();
  return (
    <FileTrigger
      acceptedFileTypes={[".txt", ".json"]}
      onSelect={(files) => files?.[0] && void lab.openClassFile(files[0], list)}
      data-testid={`${list}-input`}
    >
      <Button>{label}</Button>
    </FileTrigger>
  );
}
