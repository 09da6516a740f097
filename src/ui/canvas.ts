/** Sizes a canvas to CSS pixels at the screen's density and returns its cleared context in CSS pixels. */
export function prepareCanvas(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
): CanvasRenderingContext2D | null {
  const density = window.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * density));
  canvas.height = Math.max(1, Math.round(height * density));
  const painter = canvas.getContext("2d");
  painter?.setTransform(density, 0, 0, density, 0, 0);
  return painter;
}
