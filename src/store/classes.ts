import { readOut } from "../evaluate/readout.ts";
import { parseClasses, parseTemplates } from "../text/class-list.ts";
import { isTemplateList, readListFile } from "../text/list-file.ts";
import { TEMPLATE_PRESETS } from "../text/prompts.ts";
import { type ClassesState, oneALine } from "./class-lists.ts";
import type { LabContext } from "./context.ts";
import { LANES } from "./state.ts";

/** Actions on the class list. A failure leaves lists and embeddings as they were. */
export function createClassActions({ api, store, say, fail }: LabContext) {
  const { getState, setState } = store;
  let work = 0;
  let downloads = 0;
  const update = (change: Partial<ClassesState>) =>
    setState((state) => ({ classes: { ...state.classes, ...change } }));

  /** Asks what of the text tower is here now: embedding and downloading bring some, also where they end early. */
  async function refreshText(): Promise<void> {
    const { model } = getState();
    const text = await api.textTower();
    setState((state) =>
      state.model && state.model.sha256 === model?.sha256 ? { model: { ...state.model, text } } : {},
    );
  }

  return {
    setClasses(change: Partial<Pick<ClassesState, "names" | "templates">>): void {
      update(change);
    },

    chooseTemplates(id: string): void {
      const preset = TEMPLATE_PRESETS.find((entry) => entry.id === id);
      if (preset) update({ templates: oneALine(preset.templates) });
    },

    /**
     * Takes over a file of class names or templates (text or JSON) when it can be read as one.
     * @param asked what it is to be; by default its content tells
     */
    async openClassFile(file: File, asked?: "names" | "templates"): Promise<void> {
      try {
        const text = await readListFile(file);
        const list = asked ?? (isTemplateList(text) ? "templates" : "names");
        const entries =
          list === "names" ? parseClasses(text, file.name).classes : parseTemplates(text, file.name);
        update({ [list]: oneALine(entries) });
        const what = list === "names" ? "Class names" : "Prompt templates";
        const next = getState().model?.text
          ? "Press Classify to use them."
          : "They wait for a model with a text tower.";
        say("info", `${what} read from ${file.name}: ${entries.length}. ${next}`);
      } catch (error) {
        fail(error);
      }
    },

    /** Embeds the class list with the loaded model's text tower; the readouts follow. */
    async embedClasses(): Promise<void> {
      const { classes, model } = getState();
      if (!model || classes.embedding) return;
      const id = ++work;
      try {
        const request = {
          classes: parseClasses(classes.names, "Classes").classes,
          templates: parseTemplates(classes.templates, "Templates"),
        };
        update({ embedding: { stage: "Embedding the classes", done: 0, total: 0 } });
        const embedded = await api.embedClasses(request, (embedding) => {
          if (id === work && getState().classes.embedding) update({ embedding });
        });
        // Another model may have been opened meanwhile.
        if (id !== work || getState().model?.sha256 !== model.sha256) return;
        const { lanes } = getState();
        for (const lane of LANES) {
          const { result } = lanes[lane];
          if (result) readOut(result, model.spec, embedded); // throws where the widths do not agree
        }
        update({ embedding: null, embedded });
        if (embedded.truncated > 0) {
          say(
            "info",
            `Prompts longer than the text tower's context, cut at their end: ${embedded.truncated}.`,
          );
        }
      } catch (error) {
        if (id !== work) return;
        update({ embedding: null });
        fail(error);
      }
      await refreshText().catch(fail);
    },

    async cancelEmbedding(): Promise<void> {
      work++;
      update({ embedding: null });
      await api.cancel("embedClasses").then(refreshText).catch(fail);
    },

    /** Downloads the loaded model's text tower whole, so that any class list can be embedded without a network. */
    async downloadText(): Promise<void> {
      const { classes, model } = getState();
      if (!model?.text || classes.downloading) return;
      const id = ++downloads;
      update({ downloading: { stage: "Downloading the text tower", done: 0, total: 0 } });
      try {
        await api.downloadText((downloading) => {
          if (id === downloads && getState().classes.downloading) update({ downloading });
        });
      } catch (error) {
        if (id === downloads) fail(error);
      }
      if (id !== downloads) return;
      update({ downloading: null });
      await refreshText().catch(fail);
    },

    async cancelTextDownload(): Promise<void> {
      downloads++;
      update({ downloading: null });
      await api.cancel("downloadText").then(refreshText).catch(fail);
    },
  };
}
