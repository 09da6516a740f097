/** Python's `string.punctuation`. */
const PUNCTUATION = /[!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]/g;

/**
 * A text as SigLIP is trained on it: lower case, ASCII punctuation removed, white space collapsed (big_vision,
 * `canonicalize_text`; `SiglipTokenizer` of Transformers does the same). Doing it twice changes nothing.
 */
export function canonicalize(text: string): string {
  return text.toLowerCase().replace(PUNCTUATION, "").replace(/\s+/g, " ").trim();
}
