// Runs the network on pictures, tile by tile, in a thread of its own.
// Tiles are those of large_images/renderer.py: what they show of the picture is enough for kernels equal to the whole picture's.
// Lengths are LR pixels of the picture that is continued by `margin`; a span is [first, end).

const WARM = 64;        // side of a first picture, of nothing: a program's first run takes several times as long as later ones
let facts = null, ort = null, session = null, latest = 0;

onmessage = async ({data}) => {
    try {
        if (data.model) {
            facts = data.facts;
            // made and imported in here: of a page that was opened from a disk, browsers let no worker load what the page made
            ort = await import(URL.createObjectURL(new Blob([data.runtime], {type: "text/javascript"})));
            Object.assign(ort.env.wasm, {numThreads: 1, wasmBinary: data.wasm});
            session = await ort.InferenceSession.create(data.model, {executionProviders: ["wasm"]});
            await run(new Float32Array(3 * WARM ** 2), [WARM, WARM], [0, WARM, 0, WARM]);
            postMessage({number: 0});
        } else {
            latest = data.number;
            const made = await kernelsOf(data);
            if (made) postMessage({number: data.number, ...made}, [made.places.buffer, made.colors.buffer]);
        }
    } catch (error) {
        postMessage({number: data.number ?? 0, error: String(error?.message ?? error)});
    }
};

function run(lr, shape, part) {
    return session.run({
        lr: new ort.Tensor("float32", lr, [1, 3, ...shape]), part: new ort.Tensor("int64", BigInt64Array.from(part, BigInt), [4]),
    });
}

/** Places and colors of the kernels of every cell, as field.js has them; null where another picture has come meanwhile. */
async function kernelsOf({number, pixels, width, height}) {
    const {perSide, margin} = facts, size = [height + 2 * margin, width + 2 * margin], count = perSide ** 2 * size[0] * size[1];
    const places = new Float32Array(4 * count), colors = new Float32Array(4 * count), tiles = tilesOf(size);
    for (let index = 0; index < tiles.length; ++index) {
        const {piece, part, core} = tiles[index], shape = piece.map(([first, end]) => end - first);
        const lr = continued({pixels, width, height}, piece, margin);
        const found = await run(lr, shape, part.flatMap((span, axis) => span.map((edge) => edge - piece[axis][0])));
        put(found, part, core, size[1], {places, colors});
        postMessage({number, done: index + 1, of: tiles.length});
        await new Promise((resolve) => setTimeout(resolve));        // what has come meanwhile is heard
        if (number !== latest) return null;
    }
    return {places, colors};
}

/** Tiles: the core that is wanted, the part that the heads work on, the piece that the encoder sees; rows, then columns. */
function tilesOf(size) {
    const {overlap, multiple, headsSee, tile} = facts, spans = size.map((length) => cut(length, tile, multiple));
    const grown = (core, more, length, step) =>
        [Math.max(Math.floor((core[0] - more) / step) * step, 0), Math.min(Math.ceil((core[1] + more) / step) * step, length)];
    return spans[0].flatMap((rows) => spans[1].map((columns) => {
        const core = [rows, columns], all = (more, step) => core.map((span, axis) => grown(span, more, size[axis], step));
        return {core, part: all(headsSee, 1), piece: all(Math.max(overlap, headsSee), multiple)};
    }));
}

/** Consecutive spans of at most `tile` pixels, as equal as `multiple` allows. */
function cut(length, tile, multiple) {
    const blocks = Math.ceil(length / multiple), pieces = Math.ceil(blocks / Math.max(Math.floor(tile / multiple), 1));
    const edge = (piece) => (piece === pieces ? length : multiple * Math.floor((blocks * piece) / pieces));
    return Array.from({length: pieces}, (_, piece) => [edge(piece), edge(piece + 1)]);
}

/** RGB planes in [0, 1] of a piece of the picture, which is mirrored at its edges. */
function continued({pixels, width, height}, [rows, columns], margin) {
    const mirrored = (position, length) => {
        const one = (((position - margin) % (2 * length)) + 2 * length) % (2 * length);
        return Math.min(one, 2 * length - 1 - one);
    };
    const shape = [rows[1] - rows[0], columns[1] - columns[0]], count = shape[0] * shape[1], lr = new Float32Array(3 * count);
    for (let row = 0, to = 0; row < shape[0]; ++row) {
        const line = width * mirrored(rows[0] + row, height);
        for (let column = 0; column < shape[1]; ++column, ++to) {
            const from = 4 * (line + mirrored(columns[0] + column, width));
            for (let channel = 0; channel < 3; ++channel) lr[channel * count + to] = pixels[from + channel] / 255;
        }
    }
    return lr;
}

/** Copies the kernels of a core, of those found for its part, into the grid of all cells; their centres count from their cells. */
function put({means, cholesky, colors: found}, part, core, width, {places, colors}) {
    const {perSide} = facts, columns = perSide * (part[1][1] - part[1][0]), all = perSide * width;
    for (let row = perSide * core[0][0]; row < perSide * core[0][1]; ++row) {
        for (let column = perSide * core[1][0]; column < perSide * core[1][1]; ++column) {
            const y = row - perSide * part[0][0], x = column - perSide * part[1][0], from = y * columns + x, to = 4 * (row * all + column);
            const [l11, l21, l22] = cholesky.data.subarray(3 * from, 3 * from + 3);
            if (!(Math.min(Math.abs(l11), Math.abs(l22)) > facts.thinnest)) continue;      // no renderer draws it
            places.set([means.data[2 * from] - x / perSide, means.data[2 * from + 1] - y / perSide, l11, l21], to);
            colors.set([l22, found.data[3 * from], found.data[3 * from + 1], found.data[3 * from + 2]], to);
        }
    }
}
