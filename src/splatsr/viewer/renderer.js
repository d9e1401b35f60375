// Draws fields and pictures with WebGL2. A view is {x, y, scale}: the LR position of the canvas's corner, and output pixels
// per LR pixel. Everything can be made again after the context was lost.
"use strict";

const SAMPLES = 32, TILE = 16;
const FORMS = {
    RGBA32F: ["RGBA", "FLOAT"], R32UI: ["RED_INTEGER", "UNSIGNED_INT"], RGBA8: ["RGBA", "UNSIGNED_BYTE"],
    RGBA32UI: ["RGBA_INTEGER", "UNSIGNED_INT"],
};
const SETTERS = {
    FLOAT: "uniform1f", INT: "uniform1i", BOOL: "uniform1i", INT_VEC2: "uniform2iv", INT_VEC4: "uniform4iv", FLOAT_VEC2: "uniform2fv",
    FLOAT_VEC3: "uniform3fv", FLOAT_VEC4: "uniform4fv",
};
const FULL = `const vec2 c[3] = vec2[3](vec2(-1, -1), vec2(3, -1), vec2(-1, 3));
    void main() { gl_Position = vec4(c[gl_VertexID], 0, 1); }`;
const footprint = ({widening}) => (widening > 0 ? ["FOOTPRINT"] : []);

class Renderer {
    constructor(canvas) {
        this.canvas = canvas;
        this.gl = canvas.getContext("webgl2", {alpha: false, antialias: false, depth: false, preserveDrawingBuffer: false});
        if (this.gl) this.restore();
    }

    /** Forgets what the last context held. */
    restore() {
        const gl = this.gl;
        this.programs = {};
        this.uploads = new Map();
        this.framebuffer = gl.createFramebuffer();
        gl.bindVertexArray(gl.createVertexArray());
        gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
        gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
        gl.disable(gl.DITHER);
    }

    program(shader, ...defined) {
        const gl = this.gl, name = [shader, ...defined].join();
        if (this.programs[name]) return this.programs[name];
        const text = document.getElementById(shader).textContent, fragment = defined.map((one) => `#define ${one}\n`).join("") + text;
        const vertex = defined[0] === "OUTLINES" ? `#define CORNERS\n${text}` : FULL;
        const program = gl.createProgram();
        for (const [kind, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
            const compiled = gl.createShader(kind);
            gl.shaderSource(compiled, `#version 300 es\n${source}`);
            gl.compileShader(compiled);
            if (!gl.getShaderParameter(compiled, gl.COMPILE_STATUS) && !gl.isContextLost())
                throw new Error(`${name}: ${gl.getShaderInfoLog(compiled)}`);
            gl.attachShader(program, compiled);
        }
        gl.linkProgram(program);
        const places = {}, count = gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS) || 0;
        for (let index = 0; index < count; ++index) {
            const {name: uniform, type} = gl.getActiveUniform(program, index);
            const setter = SETTERS[Object.keys(SETTERS).find((one) => gl[one] === type)];
            places[uniform] = [gl.getUniformLocation(program, uniform), setter];
        }
        return (this.programs[name] = {program, places});
    }

    /** Fills the viewport, or the program's own triangles; values of uniforms by name, textures among them. */
    run(shader, defined, values, vertices = 3) {
        const gl = this.gl, {program, places} = this.program(shader, ...defined);
        gl.useProgram(program);
        let unit = 0;
        for (const [name, [place, setter]] of Object.entries(places)) {
            if (setter) gl[setter](place, values[name]);
            else {
                gl.activeTexture(gl.TEXTURE0 + unit);
                gl.bindTexture(gl.TEXTURE_2D, values[name]);
                gl.uniform1i(place, unit++);
            }
        }
        gl.drawArrays(gl.TRIANGLES, 0, vertices);
    }

    /** A texture of `data` (null: empty), made once for a key. */
    texture(key, form, width, height, data) {
        if (this.uploads.has(key)) return this.uploads.get(key);
        const gl = this.gl, texture = gl.createTexture(), [format, type] = FORMS[form], most = gl.getParameter(gl.MAX_TEXTURE_SIZE);
        if (Math.max(width, height) > most) throw new Error(`this device draws pictures of at most ${most} kernels a side`);
        gl.bindTexture(gl.TEXTURE_2D, texture);
        for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST);
        gl.texImage2D(gl.TEXTURE_2D, 0, gl[form], width, height, 0, gl[format], gl[type], data);
        this.uploads.set(key, texture);
        return texture;
    }

    forget(key) {
        this.gl.deleteTexture(this.uploads.get(key) ?? null);
        this.uploads.delete(key);
    }

    /** Uniforms of a field in a view; its cells' reach is made anew where the footprint grows by an octave. */
    uniformsOf(field, view, widen) {
        const [rows, columns] = field.cells, [height, width] = field.size;
        const isWide = widen && widening(field, view.scale) > 0;
        const octave = isWide ? 2 ** Math.floor(Math.log2(view.scale)) : 0;
        if (field.octave !== octave) {
            this.forget(`${field.data} reach`);
            field.reach = reachOf(field, isWide ? widening(field, octave) : 0);
            field.octave = octave;
        }
        const base = [Math.floor(view.x), Math.floor(view.y)];
        return {
            places: this.texture(`${field.data} places`, "RGBA32F", columns, rows, field.places),
            colors: this.texture(`${field.data} colors`, "RGBA32F", columns, rows, field.colors),
            reach: this.texture(`${field.data} reach`, "RGBA32F", width, height, field.reach),
            tail: this.texture(`${field.data} tail`, "RGBA32F", 3, Math.max(field.tailCount, 1), field.tail),
            limits: this.texture("no limits", "R32UI", 1, 1, new Uint32Array([0xffffffff])),
            tailCount: field.tailCount, perSide: field.perSide, margin: field.margin, cells: [columns, rows], size: [width, height],
            base, origin: [view.x - base[0], view.y - base[1]], scale: view.scale, height: this.canvas.height,
            widening: isWide ? widening(field, view.scale) : 0, firstTile: [0, 0], tileShift: [0, 0], spacing: [1, 1],
        };
    }

    /** Draws a field into columns [left, right) of the canvas; `published`: in tiles that stop after 256 kernels. */
    drawField(field, view, {left = 0, right = this.canvas.width, published = false, ground}) {
        const {texture: blocks, width, height} = this.blocks(), values = {...this.uniformsOf(field, view, !published), ground, blocks};
        if (published) Object.assign(values, this.limitsOf(field, view, values));
        const [x, y, endX, endY] = this.areaOf(field.size, view, left, right);
        const defined = published ? ["FIELD", "PUBLISHED"] : ["FIELD", ...footprint(values)];
        this.into(blocks, width, height, () => {
            this.within(x >> 1, y >> 1, (endX + 1) >> 1, (endY + 1) >> 1, () => this.run("field", defined, values));
        });
        this.onCanvas(field.size, view, {left, right, ground}, () => this.run("field", ["SPREAD"], values));
    }

    /** The texture that holds four pixels of the canvas in each of its own, from the upper row down. */
    blocks() {
        const [width, height] = [this.canvas.width, this.canvas.height].map((side) => Math.ceil(side / 2));
        const key = `blocks of ${width}x${height}`;
        if (this.latest !== key) this.forget(this.latest);
        this.latest = key;
        return {texture: this.texture(key, "RGBA32UI", width, height, null), width, height};
    }

    /** The last kernel that each of the published renderer's tiles sums: one pixel a tile. */
    limitsOf(field, view, values) {
        const gl = this.gl, {canvas} = this, corner = [view.x * view.scale, view.y * view.scale];
        const firstTile = corner.map((one) => Math.floor(one / TILE));
        const tileShift = corner.map((one, axis) => one - TILE * firstTile[axis]);
        const width = Math.ceil(canvas.width / TILE) + 1, height = Math.ceil(canvas.height / TILE) + 1;
        this.forget("limits");
        const limits = this.texture("limits", "R32UI", width, height, null);
        this.into(limits, width, height, () => {
            const {widest, farthest} = field;
            this.run("field", ["TILES"], {...values, firstTile, widest, farthest});
        });
        return {limits, firstTile, tileShift};
    }

    /** Draws kernels over what is there: ellipses of one standard deviation, centres and cells, each with its alpha. */
    drawKernels(field, view, {left, right, strength, coloring, thickness}) {
        const gl = this.gl, {width, height} = this.canvas, {perSide, margin, tailCount} = field, cells = [field.cells[1], field.cells[0]];
        const far = field.farthest + 2 * field.widest;
        const first = [view.x, view.y].map((place) => Math.max(Math.floor(perSide * (place + margin - far)), 0));
        const end = [view.x + width / view.scale, view.y + height / view.scale].map((place) => Math.ceil(perSide * (place + margin + far)));
        const seen = [...first, ...end.map((one, axis) => Math.max(Math.min(one, cells[axis]) - first[axis], 0))];
        const values = {...this.uniformsOf(field, view, true), strength, coloring, thickness, farthest: field.drift, width, seen};
        gl.enable(gl.BLEND);
        gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
        this.onCanvas(field.size, view, {left, right}, () => {
            if (strength[2] > 0) this.run("field", ["CELLS"], values);
            this.run("field", ["OUTLINES"], values, 6 * (seen[2] * seen[3] + tailCount));
        });
        gl.disable(gl.BLEND);
    }

    /** Kernels that contribute to a pixel, and those that are tried for it: means over up to 1024 pixels of the view. */
    countKernels(field, view) {
        const gl = this.gl, values = this.uniformsOf(field, view, true), found = new Uint8Array(4 * SAMPLES * SAMPLES);
        const spacing = [this.canvas.width / SAMPLES, this.canvas.height / SAMPLES];
        this.into(this.texture("counts", "RGBA8", SAMPLES, SAMPLES, null), SAMPLES, SAMPLES, () => {
            this.run("field", ["COUNT", ...footprint(values)], {...values, spacing, ground: [0, 0, 0, 0]});
            gl.readPixels(0, 0, SAMPLES, SAMPLES, gl.RGBA, gl.UNSIGNED_BYTE, found);
        });
        let counted = 0, tried = 0, pixels = 0;
        for (let at = 0; at < found.length; at += 4) {
            counted += found[at] + 256 * found[at + 1];
            tried += found[at + 2] + 256 * found[at + 3];
            pixels += found[at + 2] || found[at + 3] ? 1 : 0;
        }
        return {counted: counted / Math.max(pixels, 1), tried: tried / Math.max(pixels, 1)};
    }

    /** Draws a picture that lies over the LR image: by Pillow's bicubic rule, or its pixels as squares. */
    drawPicture(picture, size, view, {left, right, squares = false, ground}) {
        const gl = this.gl, key = `${picture.data} picture`, {bitmap} = picture;
        if (!this.uploads.has(key)) {
            const texture = this.texture(key, "RGBA8", bitmap.width, bitmap.height, null);
            gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, bitmap);
            gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST_MIPMAP_NEAREST);
            gl.generateMipmap(gl.TEXTURE_2D);
            this.uploads.set(key, texture);
        }
        const full = [bitmap.width / size[1], bitmap.height / size[0]];                // its pixels per LR pixel
        const level = Math.max(Math.floor(Math.log2(Math.max(...full) / view.scale)) - 1, 0);
        const sides = [bitmap.width >> level, bitmap.height >> level].map((side) => Math.max(side, 1));
        const ratio = [sides[0] / size[1], sides[1] / size[0]], corner = [view.x * ratio[0], view.y * ratio[1]];
        const base = corner.map(Math.floor), origin = corner.map((one, axis) => one - base[axis]);
        const values = {picture: this.uploads.get(key), level, squares, base, origin, height: this.canvas.height, ground};
        const draw = () => this.run("picture-shader", [], {...values, scale: ratio.map((one) => view.scale / one)});
        this.onCanvas(size, view, {left, right, ground}, draw);
    }

    /** Where an image of `size` lies in columns [left, right) of the canvas, a pixel more: its left, upper, right, lower end. */
    areaOf(size, {x, y, scale}, left, right) {
        const first = [x, y].map((place) => Math.floor(-place * scale) - 1);
        const end = [size[1] - x, size[0] - y].map((place) => Math.ceil(place * scale) + 1);
        return [Math.max(first[0], left), Math.max(first[1], 0), Math.min(end[0], right), Math.min(end[1], this.canvas.height)];
    }

    /** Fills columns [left, right) of the canvas with the ground, if there is one, and runs `draw` where the image lies. */
    onCanvas(size, view, {left, right, ground}, draw) {
        const gl = this.gl, {width, height} = this.canvas, [x, y, endX, endY] = this.areaOf(size, view, left, right);
        gl.viewport(0, 0, width, height);
        if (ground) {
            gl.clearColor(...ground);
            this.within(left, 0, right, height, () => gl.clear(gl.COLOR_BUFFER_BIT));
        }
        this.within(x, height - endY, endX, height - y, draw);
    }

    /** Runs `draw` for these pixels of what is drawn to. */
    within(left, low, right, high, draw) {
        const gl = this.gl;
        gl.enable(gl.SCISSOR_TEST);
        gl.scissor(left, low, Math.max(right - left, 0), Math.max(high - low, 0));
        if (right > left && high > low) draw();
        gl.disable(gl.SCISSOR_TEST);
    }

    /** Runs `draw` into a texture. */
    into(texture, width, height, draw) {
        const gl = this.gl;
        gl.bindFramebuffer(gl.FRAMEBUFFER, this.framebuffer);
        gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
        gl.viewport(0, 0, width, height);
        draw();
        gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    }

    /** RGBA levels of the canvas, from its upper row down; to be called in the task that has drawn. */
    pixels(left = 0, top = 0, width = this.canvas.width, height = this.canvas.height) {
        const gl = this.gl, upward = new Uint8Array(4 * width * height), downward = new Uint8Array(4 * width * height);
        gl.readPixels(left, this.canvas.height - top - height, width, height, gl.RGBA, gl.UNSIGNED_BYTE, upward);
        for (let row = 0; row < height; ++row)
            downward.set(upward.subarray(4 * width * (height - 1 - row), 4 * width * (height - row)), 4 * width * row);
        return downward;
    }
}
