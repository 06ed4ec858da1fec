/**
 * Draws some thousand Gaussians with WebGL 2, far ones first, as 3D Gaussian Splatting does
 * (Kerbl et al. 2023). For the start page: a few kilobytes, where the viewer has a megabyte.
 */
const PER_ROW = 512; // Gaussians in a row of the texture
const TEXELS = 3; // of each: place and colour, covariance
const BUCKETS = 4096; // depths told apart

const VERTEX = `#version 300 es
precision highp float;
uniform highp sampler2D data;
uniform mat4 view;
uniform vec2 canvas; // px
uniform float focal; // px
uniform float near;
in vec2 corner;
in uint index;
out vec2 at;
out vec4 colour;
void main() {
  ivec2 cell = ivec2(int(index % ${PER_ROW}u) * ${TEXELS}, int(index / ${PER_ROW}u));
  vec4 a = texelFetch(data, cell, 0);
  vec4 b = texelFetch(data, cell + ivec2(1, 0), 0);
  vec4 c = texelFetch(data, cell + ivec2(2, 0), 0);
  vec3 p = (view * vec4(a.xyz, 1.0)).xyz;
  float depth = -p.z;
  gl_Position = vec4(0.0, 0.0, 2.0, 1.0); // outside
  if (depth < near) return;
  uint rgba = floatBitsToUint(c.z);
  colour = vec4(uvec4(rgba, rgba >> 8, rgba >> 16, floatBitsToUint(c.w)) & 255u) / 255.0;
  mat3 world = mat3(a.w, b.x, b.y, b.x, b.z, b.w, b.y, b.w, c.x);
  mat3 lens = mat3(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, p.x / depth, p.y / depth, 0.0) * (focal / depth);
  mat3 turn = lens * mat3(view);
  mat3 seen = turn * world * transpose(turn);
  float xx = seen[0][0] + 0.3, yy = seen[1][1] + 0.3, xy = seen[0][1];
  float middle = 0.5 * (xx + yy), apart = length(vec2(0.5 * (xx - yy), xy));
  vec2 along = abs(xy) < 1e-5 ? (xx >= yy ? vec2(1.0, 0.0) : vec2(0.0, 1.0))
                              : normalize(vec2(xy, middle + apart - xx));
  vec2 major = sqrt(2.0 * (middle + apart)) * along;
  vec2 minor = sqrt(2.0 * max(middle - apart, 0.1)) * vec2(along.y, -along.x);
  at = corner;
  vec2 place = p.xy * focal / depth + corner.x * major + corner.y * minor;
  gl_Position = vec4(2.0 * place / canvas, 0.0, 1.0);
}`;
const FRAGMENT = `#version 300 es
precision highp float;
in vec2 at;
in vec4 colour;
out vec4 drawn;
void main() {
  float far = dot(at, at);
  if (far > 4.0) discard;
  float alpha = colour.a * exp(-far);
  drawn = vec4(colour.rgb * alpha, alpha);
}`;

export class SplatPainter {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {import("./spz.js").Splats} splats
   * @throws where there is no WebGL 2, or it can't do this
   */
  constructor(canvas, splats) {
    const options = { antialias: false, depth: false, alpha: true };
    const gl = /** @type {WebGL2RenderingContext | null} */ (canvas.getContext("webgl2", options));
    if (!gl) throw new Error("no WebGL 2");
    this.gl = gl;
    this.splats = splats;
    this.order = new Uint32Array(splats.count);
    this.program = link(gl);
    gl.useProgram(this.program);
    this.corners();
    this.texture();
    this.indices = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.indices);
    const index = gl.getAttribLocation(this.program, "index");
    gl.enableVertexAttribArray(index);
    gl.vertexAttribIPointer(index, 1, gl.UNSIGNED_INT, 0, 0);
    gl.vertexAttribDivisor(index, 1);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  corners() {
    const { gl } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-2, -2, 2, -2, -2, 2, 2, 2]), gl.STATIC_DRAW);
    const corner = gl.getAttribLocation(this.program, "corner");
    gl.enableVertexAttribArray(corner);
    gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
  }

  texture() {
    const { gl, splats } = this;
    const rows = Math.ceil(splats.count / PER_ROW);
    const data = new Float32Array(PER_ROW * rows * TEXELS * 4);
    const bits = new Uint32Array(data.buffer);
    for (let i = 0; i < splats.count; i++) {
      const at = i * TEXELS * 4;
      data.set(splats.centres.subarray(3 * i, 3 * i + 3), at);
      data.set(splats.spreads.subarray(6 * i, 6 * i + 6), at + 3);
      const [red, green, blue, alpha] = splats.colours.subarray(4 * i, 4 * i + 4);
      // The highest byte makes an ordinary number of it: what is none may not survive.
      bits[at + 10] = red | (green << 8) | (blue << 16) | (64 << 24);
      bits[at + 11] = alpha | (64 << 24);
    }
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    /** @type {[number, number]} */
    const size = [PER_ROW * TEXELS, rows];
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32F, ...size, 0, gl.RGBA, gl.FLOAT, data);
  }

  /**
   * @param {Float32Array} view world to camera, x right, y up, z backward; by columns
   * @param {number} focal px
   * @param {number} near world units: what is nearer is left out
   */
  paint(view, focal, near) {
    const { gl } = this;
    const { width, height } = gl.canvas;
    this.sort(view);
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const uniform = (name) => gl.getUniformLocation(this.program, name);
    gl.uniformMatrix4fv(uniform("view"), false, view);
    gl.uniform2f(uniform("canvas"), width, height);
    gl.uniform1f(uniform("focal"), focal);
    gl.uniform1f(uniform("near"), near);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.indices);
    gl.bufferData(gl.ARRAY_BUFFER, this.order, gl.DYNAMIC_DRAW);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, this.splats.count);
  }

  /** Far ones first, by counting how many are at each depth. */
  sort(view) {
    const { centres, count } = this.splats;
    const depths = new Float32Array(count);
    let [least, most] = [Infinity, -Infinity];
    for (let i = 0; i < count; i++) {
      const at = 3 * i;
      const z = view[2] * centres[at] + view[6] * centres[at + 1] + view[10] * centres[at + 2];
      depths[i] = z;
      least = Math.min(least, z);
      most = Math.max(most, z);
    }
    const scale = (BUCKETS - 1) / (most - least || 1);
    const starts = new Uint32Array(BUCKETS + 1);
    for (let i = 0; i < count; i++) starts[(((depths[i] - least) * scale) | 0) + 1]++;
    for (let k = 1; k <= BUCKETS; k++) starts[k] += starts[k - 1];
    for (let i = 0; i < count; i++) this.order[starts[((depths[i] - least) * scale) | 0]++] = i;
  }
}

/** @param {WebGL2RenderingContext} gl */
function link(gl) {
  const program = gl.createProgram();
  for (const [kind, source] of /** @type {[number, string][]} */ ([
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ])) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    throw new Error(gl.getProgramInfoLog(program));
  }
  return program;
}
