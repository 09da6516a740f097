import { type Skipped, skippedText } from "../evaluate/skipped.ts";

/** Says how many images could not be read, and why the first could not; nothing where all could. */
export function SkippedImages(props: {
  readonly skipped: Skipped | undefined;
  readonly testId: string;
  /** What they are left out of, e.g. "of every count". */
  readonly of?: string;
}) {
  const { skipped, testId, of } = props;
  const text = skipped && skippedText(skipped, of);
  if (!text) return null;
  return (
    <p className="hint hint-strong" data-testid={testId} title={skipped.examples.join("\n")}>
      {text}
    </p>
  );
}
