// Fields as the page carries them (planes.py writes them), and which cells reach which LR pixel.
"use strict";

const CUT = Math.log(255), KAPPA = 1 / 12, TEXELS_OF_TAIL = 3;

/** The bytes of an inert script element: five digits from # on, "x" for "<", are four bytes (page.py writes them). */
function embedded(id) {
    const {textContent: text, dataset} = document.getElementById(id), words = new DataView(new ArrayBuffer(0.8 * text.length));
    for (let at = 0, word = 0; at < text.length; ++at) {
        const code = text.charCodeAt(at);
        word = 85 * (at % 5 ? word : 0) + (code === 120 ? 25 : code - 35);
        if (at % 5 === 4) words.setUint32(0.8 * (at - 4), word);
    }
    return new Uint8Array(words.buffer, 0, Number(dataset.length));
}

/** What a zlib stream holds. */
async function inflated(bytes) {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Whole numbers of 16 bits from what is left of them after JPEG-LS's prediction, low bytes before high ones. */
function unpredicted(bytes, width, height) {
    const count = width * height, values = new Int16Array(count);
    for (let row = 0, index = 0; row < height; ++row) {
        for (let column = 0; column < width; ++column, ++index) {
            const left = column ? values[index - 1] : 0, above = row ? values[index - width] : 0;
            const corner = column && row ? values[index - width - 1] : 0;
            const low = Math.min(left, above), high = Math.max(left, above);
            const guess = corner >= high ? low : corner <= low ? high : left + above - corner;
            const zigzag = bytes[index] | (bytes[index + count] << 8);
            values[index] = guess + ((zigzag >>> 1) ^ -(zigzag & 1));
        }
    }
    return values;
}

/** float32 numbers from their bytes, all first ones before all second ones. */
function unshuffled(bytes) {
    const count = bytes.length / 4, together = new Uint8Array(bytes.length);
    for (let index = 0; index < count; ++index)
        for (let byte = 0; byte < 4; ++byte) together[4 * index + byte] = bytes[byte * count + index];
    return new Float32Array(together.buffer);
}

/** A field: places (x, y, l11, l21) and colors (l22, r, g, b) of the kernel of every cell, row by row, and the tail. */
async function readField(facts, size) {
    const bytes = embedded(facts.data), [height, width] = facts.cells, count = width * height;
    const places = new Float32Array(4 * count), colors = new Float32Array(4 * count), planes = [];
    let start = 0;
    for (const length of facts.lengths) planes.push(await inflated(bytes.subarray(start, start += length)));
    const tail = new Float32Array(planes.pop().buffer);
    const values = planes.map((plane) => (facts.steps ? unpredicted(plane, width, height) : unshuffled(plane)));
    for (let plane = 0; plane < 8; ++plane) {
        const target = plane < 4 ? places : colors, green = facts.steps && (plane === 5 || plane === 7) ? values[6] : null;
        for (let index = 0, at = plane % 4; index < count; ++index, at += 4) {
            const value = values[plane][index];
            if (!facts.steps) target[at] = value;
            else target[at] = (green ? ((value + green[index]) << 16) >> 16 : value) * facts.steps[plane];
        }
    }
    return measured(facts, size, places, colors, tail);
}

/** A field of these, with how wide its kernels are, and how far from their cells. */
function measured(facts, size, places, colors, tail) {
    let widest = 0, farthest = 0, drift = 0;
    for (let at = 0; at < places.length; at += 4) {
        if (colors[at] === 0) continue;
        const a = places[at + 2] ** 2, b = places[at + 2] * places[at + 3], c = places[at + 3] ** 2 + colors[at] ** 2;
        widest = Math.max(widest, (a + c) / 2 + Math.hypot((a - c) / 2, b));
        farthest = Math.max(farthest, Math.abs(places[at]), Math.abs(places[at + 1]));
        const half = 0.5 / facts.perSide;
        drift = Math.max(drift, Math.hypot(places[at] - half, places[at + 1] - half));
    }
    const tailCount = tail.length / (4 * TEXELS_OF_TAIL), referenceScale = facts.referenceScale ?? Infinity;
    return {...facts, size, places, colors, tail: tailCount ? tail : new Float32Array(12), tailCount, referenceScale, drift, farthest, widest: Math.sqrt(widest)};
}

/** Variance of the pixel's footprint that is added at a scale, in LR pixels^2 (splatting/footprint.py). */
function widening(field, scale) {
    if (field.referenceScale === 0) return 0;
    return (KAPPA * (1 - Math.min(1, scale / field.referenceScale) ** 2)) / scale ** 2;
}

/**
 * Per LR pixel how far the kernels that reach it do so from the middle of their cells: to the right, down, left and up. So a
 * point p needs the cells with their middle between p - (right, down) and p + (left, up).
 */
function reachOf(field, variance) {
    const [height, width] = field.size, [rows, columns] = field.cells, {places, colors, perSide, margin} = field;
    const reach = new Float32Array(4 * width * height).fill(-1), slack = 1e-3;
    for (let row = 0, at = 0; row < rows; ++row) {
        for (let column = 0; column < columns; ++column, at += 4) {
            if (colors[at] === 0) continue;
            const x = (column + 0.5) / perSide - margin, dx = places[at] - 0.5 / perSide;
            const y = (row + 0.5) / perSide - margin, dy = places[at + 1] - 0.5 / perSide;
            const across = Math.sqrt(2 * CUT * (places[at + 2] ** 2 + variance)) + slack;
            const down = Math.sqrt(2 * CUT * (places[at + 3] ** 2 + colors[at] ** 2 + variance)) + slack;
            const [a, b, c, d] = [across + dx, down + dy, across - dx, down - dy];
            const right = Math.min(Math.floor(x + a), width - 1), bottom = Math.min(Math.floor(y + b), height - 1);
            for (let i = Math.max(Math.floor(y - d), 0); i <= bottom; ++i) {
                for (let j = Math.max(Math.floor(x - c), 0); j <= right; ++j) {
                    const own = 4 * (i * width + j);
                    if (a > reach[own]) reach[own] = a;
                    if (b > reach[own + 1]) reach[own + 1] = b;
                    if (c > reach[own + 2]) reach[own + 2] = c;
                    if (d > reach[own + 3]) reach[own + 3] = d;
                }
            }
        }
    }
    return reach;
}

/** A picture, decoded without any change of its values. */
async function readPicture(facts) {
    const options = {colorSpaceConversion: "none", premultiplyAlpha: "none"};
    const bitmap = await createImageBitmap(new Blob([embedded(facts.data)], {type: "image/webp"}), options);
    return {...facts, bitmap};
}
