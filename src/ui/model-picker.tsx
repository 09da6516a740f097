import {
  Button,
  Dialog,
  FileTrigger,
  Header,
  Heading,
  ListBox,
  ListBoxItem,
  ListBoxSection,
  Modal,
  ModalOverlay,
} from "react-aria-components";
import { type CatalogueEntry, OF_THE_PAPER, SMALL } from "../hub/catalogue.ts";
import { chosenFolder } from "./folders.ts";
import { HubModelForm } from "./hub-model-form.tsx";
import { useLab, useLabState } from "./lab-context.tsx";
import { ModelOfferCard } from "./model-offer.tsx";
import { SavedModels } from "./saved-models.tsx";

/** The dialog that chooses a model: bundled, of the Hub or a mirror, saved, or from files. */
export function ModelPicker() {
  const lab = useLab();
  const isOpen = useLabState((state) => state.picker.isOpen);
  return (
    <ModalOverlay isOpen={isOpen} onOpenChange={(open) => !open && lab.closePicker()} isDismissable>
      <Modal>
        <Dialog className="picker" data-testid="picker">
          <div className="panel-head">
            <Heading slot="title">Models</Heading>
            <Button slot="close">Close</Button>
          </div>
          <div className="picker-columns">
            <div className="picker-choices">
              <Catalogue />
              <HubModelForm />
              <OwnFiles />
            </div>
            <ModelOfferCard />
          </div>
          <SavedModels />
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

/** Choosing a model looks it up; nothing is fetched yet. */
function Catalogue() {
  const lab = useLab();
  const choose = (id: string) => {
    if (id === "bundled") {
      lab.closePicker();
      void lab.openBundledModel();
    } else void lab.lookUp(id);
  };
  return (
    <ListBox aria-label="Models" className="catalogue" onAction={(key) => choose(String(key))}>
      <ListBoxItem id="bundled" textValue="Bundled encoder">
        Bundled encoder <span className="muted">needs no network</span>
      </ListBoxItem>
      <Section title="Small" entries={SMALL} />
      <Section title="Of the paper" entries={OF_THE_PAPER} />
    </ListBox>
  );
}

function Section(props: { readonly title: string; readonly entries: readonly CatalogueEntry[] }) {
  return (
    <ListBoxSection>
      <Header>{props.title}</Header>
      {props.entries.map(({ id, name, note }) => (
        <ListBoxItem key={id} id={id} textValue={name}>
          {name} <span className="muted">{note}</span>
        </ListBoxItem>
      ))}
    </ListBoxSection>
  );
}

function OwnFiles() {
  const lab = useLab();
  return (
    <div className="row">
      <FileTrigger
        allowsMultiple
        acceptedFileTypes={[".safetensors", ".json"]}
        onSelect={(files) => {
          lab.closePicker();
          if (files) void lab.openFiles([...files]);
        }}
      >
        <Button>Files…</Button>
      </FileTrigger>
      <FileTrigger
        acceptDirectory
        onSelect={(files) => {
          const folder = chosenFolder(files);
          lab.closePicker();
          if (folder) void lab.openFolder(folder);
        }}
      >
        <Button>Folder…</Button>
      </FileTrigger>
      <span className="hint">from your disk</span>
    </div>
  );
}
