import type { EncoderSpec } from "../encoder/spec.ts";
import type { ModelOverrides } from "../families/overrides.ts";
import type { HubRef } from "../hub/hub-ref.ts";

/** What page and worker tell each other of models of the Hub. */

/** A model of the Hub, of a mirror, or saved from there. */
export interface HubModelRequest extends HubRef {
  readonly kind: "hub";
  /** As `lookUpModel` resolved the revision; left out = whatever the revision is now. */
  readonly commit?: string;
  /** Whether its text tower is fetched with it, where it has one that can be used. */
  readonly withText?: boolean;
  readonly overrides?: ModelOverrides;
}

/**
 * `whole`: the Hub's sha256 is checked; `part`: it covers bytes that are not fetched, so commit, ETag and lengths are;
 * `none`: the Hub states none.
 */
export type DownloadCheck = "whole" | "part" | "none";

/** The text tower of a model of the Hub, with its tokenizer. */
export interface TextOffer {
  /** Bytes that it adds to those of the encoder, and of these what is saved already. */
  readonly bytes: number;
  readonly kept: number;
  /** Of encoder and text tower together. */
  readonly check: DownloadCheck;
  /** Whether it was asked for before. */
  readonly isWanted: boolean;
}

/** What is known of a model of the Hub before its weights are fetched. */
export interface ModelOffer extends HubRef {
  /** The revision's commit; the model is opened at it. */
  readonly commit: string;
  /** As the model card states it; null = it states none. */
  readonly licence: string | null;
  readonly spec: EncoderSpec;
  /** Bytes that the encoder needs, and of these what is saved already. */
  readonly bytes: number;
  readonly kept: number;
  /** Bytes of the whole checkpoint. */
  readonly fileBytes: number;
  readonly check: DownloadCheck;
  /** Null = it has no text tower, or none that can be used. */
  readonly text: TextOffer | null;
  /** Why a text tower that is there cannot be used. */
  readonly textRefusal: string | null;
  /** Bytes that the browser would still keep; null = it does not say. */
  readonly room: number | null;
  /** Whether this browser keeps models for this page. */
  readonly canSave: boolean;
}

/** What of a text tower and its tokenizer is still on the Hub, in bytes; 0 = nothing, as of files from the disk. */
export interface TextTowerInfo {
  readonly missing: number;
  /** Of these, what any class list needs; of the token embedding, further rows are read as words need them. */
  readonly missingToClassify: number;
}
