import { Button, FileTrigger } from "react-aria-components";
import { useLab, useLabState } from "./lab-context.tsx";

/** Bundled images and the user's own. */
export function ImagePanel() {
  const lab = useLab();
  const samples = useLabState((state) => state.samples);
  const image = useLabState((state) => state.image);
  const hasModel = useLabState((state) => state.model !== null);
  return (
    <section className="panel" aria-labelledby="image-heading">
      <h2 id="image-heading">Image</h2>
      <ul className="samples">
        {samples.map((sample) => (
          <li key={sample.file}>
            <Button
              className="sample"
              aria-label={sample.title}
              aria-pressed={image?.sample === sample.file}
              isDisabled={!hasModel}
              onPress={() => void lab.openSample(sample)}
              data-testid={`sample-${sample.file}`}
            >
              <img src={`./samples/${sample.file}`} alt="" width="44" height="44" loading="lazy" />
            </Button>
          </li>
        ))}
      </ul>
      <div className="row">
        <FileTrigger
          acceptedFileTypes={["image/*"]}
          onSelect={(files) => files && void lab.openFiles([...files])}
          data-testid="image-input"
        >
          <Button isDisabled={!hasModel}>Choose image…</Button>
        </FileTrigger>
        <span className="hint">or drop or paste one anywhere</span>
      </div>
      {image && (
        <p className="hint" data-testid="image-name">
          {image.info.name}, {image.info.width} × {image.info.height} px, seen as {image.info.view.size} ×{" "}
          {image.info.view.size}
        </p>
      )}
    </section>
  );
}
