/** Where a template takes the class name. */
export const SLOT = "{}";

/** The prompt of a class, e.g. "a photo of a tench." */
export function fillTemplate(template: string, name: string): string {
  return template.replaceAll(SLOT, name);
}
