import type { ReactNode } from "react";
import { Button, FileTrigger } from "react-aria-components";
import type { ImageSource } from "../worker/api.ts";
import { chosenFolder } from "./folders.ts";

/** Buttons that choose images of the user's own: a folder, a zip, and on request single files. */
export function SourceButtons(props: {
  readonly testId: string;
  readonly isDisabled: boolean;
  /** Single image files too, where no class folders are needed. */
  readonly offersFiles?: boolean;
  readonly onChoose: (images: ImageSource) => void;
  /** Further buttons, before these. */
  readonly before?: ReactNode;
  /** And behind. */
  readonly children?: ReactNode;
}) {
  const { testId, isDisabled, onChoose } = props;
  return (
    <div className="row">
      {props.before}
      {props.offersFiles && (
        <FileTrigger
          allowsMultiple
          acceptedFileTypes={["image/*"]}
          onSelect={(files) => files && files.length > 0 && onChoose(chosenImages(files))}
          data-testid={`${testId}-input`}
        >
          <Button isDisabled={isDisabled}>Images…</Button>
        </FileTrigger>
      )}
      <FileTrigger
        acceptDirectory
        onSelect={(files) => {
          const folder = chosenFolder(files);
          if (folder) onChoose({ kind: "files", ...folder });
        }}
        data-testid={`${testId}-folder`}
      >
        <Button isDisabled={isDisabled}>Folder…</Button>
      </FileTrigger>
      <FileTrigger
        acceptedFileTypes={[".zip"]}
        onSelect={(files) => files?.[0] && onChoose({ kind: "zip", file: files[0] })}
        data-testid={`${testId}-zip`}
      >
        <Button isDisabled={isDisabled}>Zip…</Button>
      </FileTrigger>
      {props.children}
    </div>
  );
}

/** Single files as a source; they lie in no folder. */
function chosenImages(files: FileList): ImageSource {
  const list = [...files].map((file) => ({ path: file.name, file }));
  return { kind: "files", name: "chosen files", files: list, folders: [] };
}
