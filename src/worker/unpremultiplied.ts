/**
 * Pixels of a bitmap that was decoded with `premultiplyAlpha: "none"`, colours untouched by alpha, through a
 * WebGL texture: the only way that all browsers offer.
 * @returns RGBA, [height, width, 4], or null when WebGL 2 is missing or the image exceeds its texture size.
 */
export function readUnpremultiplied(bitmap: ImageBitmap): Uint8ClampedArray<ArrayBuffer> | null {
  const gl = new OffscreenCanvas(1, 1).getContext("webgl2");
  if (!gl) return null;
  try {
    const { width, height } = bitmap;
    const limit = gl.getParameter(gl.MAX_TEXTURE_SIZE) as number;
    if (width > limit || height > limit) return null;
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
    gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, bitmap);
    gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
    if (gl.checkFramebufferStatus(gl.FRAMEBUFFER) !== gl.FRAMEBUFFER_COMPLETE) return null;
    const out = new Uint8ClampedArray(width * height * 4);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(out.buffer));
    return gl.getError() === gl.NO_ERROR ? out : null;
  } finally {
    gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}
