/**
 * Repositories whose main branch has been seen without safetensors -> one that holds the same weights with them.
 * The first is where open_clip itself takes OpenAI's weights from (open_clip/pretrained.py).
 */
const SAME_WEIGHTS: Readonly<Record<string, string>> = {
  "openai/clip-vit-base-patch16": "timm/vit_base_patch16_clip_224.openai (open_clip_model.safetensors)",
  "openai/clip-vit-base-patch32": "timm/vit_base_patch32_clip_224.openai (open_clip_model.safetensors)",
};

/**
 * What to do about a repository without safetensors, as a sentence or two for people.
 * @param repository `owner/name` on the Hub, or null when it is not known
 */
export function safetensorsElsewhere(repository: string | null): string {
  const same = repository === null ? undefined : SAME_WEIGHTS[repository];
  if (same) return `The same weights lie in ${same}.`;
  return "Choose a repository that has them, such as google/siglip-base-patch16-224 or timm/vit_base_patch16_clip_224.openai, or convert the file with the safetensors library.";
}
