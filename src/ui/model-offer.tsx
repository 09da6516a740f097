import { useEffect, useRef } from "react";
import { Button } from "react-aria-components";
import { formatBytes } from "../figures/format.ts";
import { refText } from "../hub/hub-ref.ts";
import type { DownloadCheck, ModelOffer } from "../worker/api.ts";
import { SwitchField } from "./fields.tsx";
import { useLab, useLabState } from "./lab-context.tsx";

/** What is known of the chosen model before its weights are fetched, and what is not. */
export function ModelOfferCard() {
  const { looking, offer, error } = useLabState((state) => state.picker);
  const card = useRef<HTMLDivElement>(null);
  // On a narrow screen the card lies below the list that the choice was made in.
  useEffect(() => {
    if (offer || error) card.current?.scrollIntoView({ block: "nearest" });
  }, [offer, error]);
  return (
    <div className="offer" data-testid="offer" ref={card}>
      <p className="hint" role="status">
        {looking !== null && `Looking up ${looking}.`}
        {offer && <span className="visually-hidden">Found {refText(offer)}: its details follow.</span>}
        {looking === null && error === null && !offer && FIRST}
      </p>
      {error !== null && (
        <p className="message message-error" role="alert" data-testid="offer-error">
          {error}
        </p>
      )}
      {offer && <Offer offer={offer} />}
    </div>
  );
}

const FIRST = "Choose a model to see its size and licence. Nothing is downloaded until you say so.";

const CHECKS: Readonly<Record<DownloadCheck, string>> = {
  whole: "The file's sha256, as the Hub states it, is checked.",
  part: "The Hub's sha256 covers the whole file, of which only a part is fetched: commit, ETag and lengths are checked instead.",
  none: "The Hub states no sha256 for this file: commit, ETag and lengths are checked.",
};

function Offer({ offer }: { readonly offer: ModelOffer }) {
  const lab = useLab();
  const wantsText = useLabState((state) => state.picker.wantsText);
  const { spec, fileBytes, room, text } = offer;
  const withText = wantsText ? text : null;
  const bytes = offer.bytes + (withText?.bytes ?? 0);
  const kept = offer.kept + (withText?.kept ?? 0);
  const missing = Math.max(0, bytes - kept);
  const isPartly = (part: { readonly bytes: number; readonly kept: number } | null) =>
    part !== null && part.kept > 0 && part.kept < part.bytes;
  const hasRoom = room === null || !offer.canSave || missing <= room;
  return (
    <>
      <h3 className="offer-name">
        <a href={`${offer.hub}/${offer.id}`} target="_blank" rel="noreferrer">
          {refText(offer)}
        </a>
      </h3>
      <dl className="offer-facts">
        <dt>Encoder</dt>
        <dd>
          {spec.family}: {spec.blocks} blocks, width {spec.width}, {spec.grid} × {spec.grid} patches
        </dd>
        <dt>Download</dt>
        <dd data-testid="offer-bytes">
          {formatBytes(missing)}
          {kept > 0 && `, ${formatBytes(kept)} are saved already`}
          {bytes < fileBytes &&
            ` (${withText ? "encoder and text tower" : "the image encoder's part"} of ${formatBytes(fileBytes)})`}
        </dd>
        <TextTower offer={offer} />
        <dt>Licence</dt>
        <dd data-testid="offer-licence">{offer.licence ?? "not stated by its page"}</dd>
        <dt>Commit</dt>
        <dd>
          <code title={offer.commit}>{offer.commit.slice(0, 8)}</code>
        </dd>
        <dt>Check</dt>
        <dd>{CHECKS[withText?.check ?? offer.check]}</dd>
        {spec.assumptions.length > 0 && (
          <>
            <dt>Not stated</dt>
            <dd>Assumed: {spec.assumptions.join("; ")}.</dd>
          </>
        )}
        <dt>Storage</dt>
        <dd>{storageText(offer)}</dd>
      </dl>
      {!hasRoom && (
        <p className="message message-error">
          There is room for {formatBytes(room ?? 0)} only: delete saved models or free disk space.
        </p>
      )}
      <div className="row">
        <Button
          className="primary"
          isDisabled={!hasRoom}
          onPress={() => {
            // Asks the browser not to drop what was downloaded when disk space runs low.
            void navigator.storage?.persist?.().catch(() => false);
            void lab.openOffer(offer);
          }}
          data-testid="offer-open"
        >
          {missing === 0
            ? "Open"
            : isPartly(offer) || isPartly(withText)
              ? `Resume (${formatBytes(missing)})`
              : `Download ${formatBytes(missing)}`}
        </Button>
      </div>
    </>
  );
}

/** The text tower is fetched only when it is asked for. */
function TextTower({ offer: { text, textRefusal } }: { readonly offer: ModelOffer }) {
  const lab = useLab();
  const wantsText = useLabState((state) => state.picker.wantsText);
  if (!text && textRefusal === null) return null;
  const missing = text ? Math.max(0, text.bytes - text.kept) : 0;
  return (
    <>
      <dt>Text tower</dt>
      <dd data-testid="offer-text">
        {text ? (
          <SwitchField
            label={`${missing > 0 ? `with the text tower (+${formatBytes(missing)})` : "with the text tower, which is saved already"}, for zero-shot classification without a network`}
            isOn={wantsText}
            testId="offer-with-text"
            onChange={(isOn) => lab.setWantsText(isOn)}
          />
        ) : (
          `Cannot be used. ${textRefusal}`
        )}
      </dd>
    </>
  );
}

function storageText({ canSave, room }: ModelOffer): string {
  if (!canSave)
    return "This page is not on a secure address, so the browser keeps nothing: it is downloaded each time.";
  const free =
    room === null ? "The browser does not say how much room there is." : `${formatBytes(room)} free.`;
  return `Saved in this browser, opens without a network afterwards. ${free}`;
}
