/** The JSON files that come with a checkpoint, parsed and not yet understood; null or left out = there is none. */
export interface ConfigFiles {
  /** config.json: of Transformers or of timm. */
  readonly config: unknown;
  /** preprocessor_config.json of Transformers. */
  readonly preprocessor?: unknown;
  /** open_clip_config.json. */
  readonly openClip?: unknown;
}

export type ConfigFileKind = keyof ConfigFiles;

/** What each of them is called on the Hub. */
export const CONFIG_FILE_NAMES: Readonly<Record<ConfigFileKind, string>> = {
  config: "config.json",
  preprocessor: "preprocessor_config.json",
  openClip: "open_clip_config.json",
};

export const NO_CONFIG_FILES: ConfigFiles = { config: null };

/** Which of them a file is by its name, or null. A prefix is allowed, as browsers number repeated downloads. */
export function configFileKind(name: string): ConfigFileKind | null {
  if (!/\.json$/i.test(name)) return null;
  if (/preprocessor_config/i.test(name)) return "preprocessor";
  if (/open_clip_config/i.test(name)) return "openClip";
  if (/(tokenizer|generation|special_tokens|adapter|sentence|processor)\w*config/i.test(name)) return null;
  return /config/i.test(name) ? "config" : null;
}
