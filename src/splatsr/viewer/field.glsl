// A field of kernels, gathered: every pixel sums the kernels of the cells that reach its LR pixel, in the cells' order.
// FIELD does so for blocks of 2x2 pixels at once, which read a kernel once; SPREAD lays them out.
// Kernels are shown as CELLS and OUTLINES, of which CORNERS is the vertex shader.
// One of FIELD, SPREAD, TILES, COUNT, CELLS, OUTLINES and CORNERS is defined; also PUBLISHED where tiles limit the sum,
// and FOOTPRINT below the reference scale. (Branches would do, but some devices compute both sides.)
// Lengths are LR pixels, counted from an integer pixel near the view (`base`), so that no digits are lost when zoomed.
precision highp float;
precision highp int;
precision highp sampler2D;
precision highp usampler2D;

const float CUT = 5.5412635;        // ln 255: a kernel ends where it is 1/255 of its peak
const float TILE = 16.0;            // of the published renderer, output pixels
const int MOST = 256;               // kernels that it sums in a tile

uniform sampler2D places;           // per cell: centre from the cell's corner (x, y), l11, l21
uniform sampler2D colors;           // per cell: l22 (0: no kernel here), red, green, blue
uniform sampler2D reach;            // per LR pixel: how far its kernels reach from their cells: right, down, left, up
uniform sampler2D tail;             // per row a wide kernel, which every pixel tries: as above, then its cell (x, y)
uniform usampler2D limits;          // per tile: the last kernel that it sums
uniform int tailCount, perSide, margin;
uniform ivec2 size, cells, base, firstTile;
uniform vec2 origin, tileShift;     // of the view's corner, from `base` and from the first tile's corner (output pixels)
uniform float scale, height;        // output pixels per LR pixel; rows of the output
uniform vec2 spacing;               // of the pixels that are counted, output pixels
uniform float widening;             // variance of the pixel's footprint, LR pixels^2
uniform vec4 ground;                // color beside the image

vec2 position;                      // of this pixel's centre

uint order(ivec2 cell) { return uint(cell.y) * uint(cells.x) + uint(cell.x); }

ivec2 tailCell(int index) { return ivec2(texelFetch(tail, ivec2(2, index), 0).xy); }

// From a cell's corner to this pixel's centre.
vec2 inCell(ivec2 cell) { return position - vec2(cell - perSide * (base + margin)) / float(perSide); }

#if defined(PUBLISHED) || defined(TILES)
// Whether the box of published radius, 3 sigma rounded up, touches the tile (splatting/reference.py).
bool touches(ivec2 cell, vec4 place, float l22, ivec2 tile) {
    vec3 l = scale * vec3(place.zw, l22);
    float mid = dot(l, l) / 2.0, det = l.x * l.z * l.x * l.z;
    float radius = ceil(3.0 * sqrt(mid + sqrt(max(mid * mid - det, 0.1))));
    vec2 centre = scale * (vec2(cell) / float(perSide) - float(margin) + place.xy) - 0.5;
    vec2 first = trunc((centre - radius) / TILE), end = trunc((centre + radius) / TILE + 1.0);
    return all(greaterThanEqual(vec2(tile), first)) && all(lessThan(vec2(tile), end));
}
#endif

#ifdef TILES
uniform float widest, farthest;     // longest standard deviation and farthest centre from its corner, of all but the tail
out uint limit;

int kept = 0;

void visit(ivec2 cell, vec4 place, vec4 color, ivec2 tile) {
    if (kept < MOST && color.x != 0.0 && touches(cell, place, color.x, tile) && ++kept == MOST) limit = order(cell);
}

void visitTail(int index, ivec2 tile) {
    visit(tailCell(index), texelFetch(tail, ivec2(0, index), 0), texelFetch(tail, ivec2(1, index), 0), tile);
}

void main() {
    ivec2 tile = firstTile + ivec2(gl_FragCoord.xy);
    limit = 0xffffffffu;
    float radius = ceil(3.0 * sqrt(scale * scale * widest * widest + 0.3163)) + 1.0;
    vec2 low = (TILE * vec2(tile) - radius) / scale - farthest, high = (TILE * vec2(tile + 1) + radius) / scale + farthest;
    ivec2 first = max(ivec2(floor(float(perSide) * (low + float(margin)))), 0);
    ivec2 last = min(ivec2(ceil(float(perSide) * (high + float(margin)))), cells - 1);
    int next = 0;
    for (int y = first.y; y <= last.y && kept < MOST; ++y)
        for (int x = first.x; x <= last.x && kept < MOST; ++x) {
            ivec2 cell = ivec2(x, y);
            for (; next < tailCount && order(tailCell(next)) <= order(cell); ++next) visitTail(next, tile);
            visit(cell, texelFetch(places, cell, 0), texelFetch(colors, cell, 0), tile);
        }
    for (; next < tailCount && kept < MOST; ++next) visitTail(next, tile);
}
#endif

#ifdef FOOTPRINT                    // splatting/footprint.py; the peak becomes lower
float widen(inout float l11, inout float l21, inout float l22) {
    float wide11 = sqrt(l11 * l11 + widening), tilt = l21 / wide11;
    float wide22 = sqrt(l22 * l22 + widening + tilt * tilt * widening);
    float peak = abs(l11 / wide11) * abs(l22 / wide22);
    l21 = l11 * tilt;
    l11 = wide11;
    l22 = wide22;
    return peak;
}
#else
float widen(inout float l11, inout float l21, inout float l22) { return 1.0; }
#endif

#ifdef FIELD
out uvec4 block;                    // levels of the pixels of a block, a number each: upper row, lower row

mat4x3 sums = mat4x3(0.0);
vec4 right, down;                   // from the block's first pixel to each of them
#ifdef PUBLISHED
ivec2 tile[4];
uvec4 last;
#endif

void add(ivec2 cell, vec2 here, vec4 place, vec4 color) {
    float l11 = place.z, l21 = place.w, l22 = color.x, peak = widen(l11, l21, l22);
    vec4 u = (here.x - place.x + right) / l11, t = (here.y - place.y + down - l21 * u) / l22, q = (u * u + t * t) / 2.0;
    vec4 weight = mix(vec4(0.0), peak * exp(-q), lessThanEqual(q, vec4(color.x == 0.0 ? -1.0 : CUT)));
#ifdef PUBLISHED
    for (int one = 0; one < 4; ++one)
        if (order(cell) > last[one] || !touches(cell, place, color.x, tile[one])) weight[one] = 0.0;
#endif
    sums += outerProduct(color.yzw, weight);
}
#endif

#ifdef COUNT
out vec4 shown;

int tried = 0, counted = 0;

void add(ivec2 cell, vec2 here, vec4 place, vec4 color) {
    float l11 = place.z, l21 = place.w, l22 = color.x;
    if (l22 == 0.0) return;
    widen(l11, l21, l22);
    vec2 d = here - place.xy;
    float u = d.x / l11, t = (d.y - l21 * u) / l22;
    ++tried;
    if ((u * u + t * t) / 2.0 <= CUT) ++counted;
}
#endif

uniform float thickness;            // of lines, output pixels
uniform vec3 strength;              // alpha of ellipses, centres and cells

#ifdef CORNERS
uniform int coloring;               // 0: shape, 1: drift, 2: channel
uniform float farthest, width;      // the longest way from the middle of a cell; columns of the output
uniform ivec4 seen;                 // the first of the cells that are in sight, and how many there are along both axes
flat out vec2 centre;               // from the view's corner, LR pixels
flat out vec3 l, line;              // of the Cholesky factor l11, l21, l22; the color

vec3 hue(float turn) { return clamp(abs(mod(6.0 * turn + vec3(0.0, 4.0, 2.0), 6.0) - 3.0) - 1.0, 0.0, 1.0); }

vec3 colorOf(vec4 place, vec4 color) {
    float l11 = place.z, l21 = place.w, l22 = color.x;
    if (coloring == 0) {            // direction and elongation
        vec3 s = vec3(l11 * l11, l11 * l21, l21 * l21 + l22 * l22);
        vec2 axis = vec2(s.x - s.z, 2.0 * s.y);
        return mix(vec3(1.0), hue(atan(axis.y, axis.x) / 6.2832), min(1.6 * length(axis) / (s.x + s.z), 1.0));
    }
    if (coloring == 1) {            // way from the middle of its cell
        vec2 drift = place.xy - 0.5 / float(perSide);
        return mix(vec3(1.0), hue(atan(drift.y, drift.x) / 6.2832), min(2.5 * length(drift) / max(farthest, 1e-3), 1.0));
    }
    vec3 bright = max(color.yzw, 0.0);
    if (min(color.y, min(color.z, color.w)) < 0.0) return vec3(1.0, 0.1, 0.1);
    return mix(vec3(1.0), bright / max(max(bright.r, max(bright.g, bright.b)), 1e-3), 0.85);
}

void main() {                       // two triangles around two standard deviations of a kernel
    int index = gl_VertexID / 6, corner = gl_VertexID % 6, row = index - seen.z * seen.w;
    ivec2 cell = row < 0 ? seen.xy + ivec2(index % seen.z, index / seen.z) : tailCell(row);
    vec4 place = row < 0 ? texelFetch(places, cell, 0) : texelFetch(tail, ivec2(0, row), 0);
    vec4 color = row < 0 ? texelFetch(colors, cell, 0) : texelFetch(tail, ivec2(1, row), 0);
    centre = place.xy - origin + vec2(cell - perSide * (base + margin)) / float(perSide);
    l = vec3(place.zw, color.x);
    line = colorOf(place, color);
    vec2 side = vec2(corner == 1 || corner == 2 || corner == 4, corner == 2 || corner == 4 || corner == 5) * 2.0 - 1.0;
    vec2 at = (scale * centre + side * (2.0 * scale * vec2(abs(l.x), length(l.yz)) + 1.0)) / vec2(width, height);
    gl_Position = color.x == 0.0 ? vec4(2, 2, 2, 1) : vec4(2.0 * at.x - 1.0, 1.0 - 2.0 * at.y, 0, 1);
}
#endif

#ifdef OUTLINES
flat in vec2 centre;
flat in vec3 l, line;
out vec4 shown;

void main() {
    vec2 d = vec2(gl_FragCoord.x, height - gl_FragCoord.y) / scale - centre;
    float u = d.x / l.x, t = (d.y - l.y * u) / l.z, radius = max(sqrt(u * u + t * t), 1e-4);
    vec2 slope = vec2(u - t * l.y / l.z, t * l.x / l.z) / (l.x * radius);
    float outside = abs(radius - 1.0) * scale / length(slope) - thickness / 2.0, dot = 1.6 * thickness - scale * length(d);
    vec2 drawn = max(strength.x * clamp(vec2(0.5, 1.5) - outside, 0.0, 1.0), strength.y * clamp(dot + vec2(0.5, 1.5), 0.0, 1.0));
    float halo = radius > 2.0 ? 0.0 : 0.45 * drawn.y * (1.0 - drawn.x), alpha = radius > 2.0 ? 0.0 : drawn.x;
    shown = vec4(line * alpha, alpha + halo * (1.0 - alpha));
}
#endif

#ifdef CELLS
out vec4 shown;

void main() {
    position = origin + vec2(gl_FragCoord.x, height - gl_FragCoord.y) / scale;
    vec2 from = abs(fract(position + 0.5) - 0.5) * scale;
    float pixel = clamp(thickness / 2.0 + 0.5 - min(from.x, from.y), 0.0, 1.0);
    from = abs(fract(float(perSide) * position + 0.5) - 0.5) * scale / float(perSide);
    float cell = clamp(thickness / 2.0 + 0.5 - min(from.x, from.y), 0.0, 1.0);
    shown = vec4(vec3(0.5), 1.0) * strength.z * max(0.8 * pixel, 0.35 * cell);
}
#endif

#ifdef SPREAD
uniform usampler2D blocks;
out vec4 shown;

void main() {
    ivec2 pixel = ivec2(gl_FragCoord.x, height - gl_FragCoord.y);
    uint levels = texelFetch(blocks, pixel / 2, 0)[pixel.x % 2 + 2 * (pixel.y % 2)];
    shown = vec4(levels & 255u, levels >> 8 & 255u, levels >> 16 & 255u, 255) / 255.0;
}
#endif

#if defined(FIELD) || defined(COUNT)
// Makes the cells from `first` to before `end` more: by those that reach a point.
void include(vec2 point, inout ivec2 first, inout ivec2 end) {
    vec4 far = texelFetch(reach, clamp(base + ivec2(floor(point)), ivec2(0), size - 1), 0);
    ivec2 own = perSide * (base + margin);
    first = min(first, own + ivec2(ceil(float(perSide) * (point - far.xy) - 0.5)));
    end = max(end, own + ivec2(floor(float(perSide) * (point + far.zw) + 0.5)));
}

bool isInside(vec2 point) {
    ivec2 lr = base + ivec2(floor(point));
    return all(greaterThanEqual(lr, ivec2(0))) && all(lessThan(lr, size));
}

void main() {
#ifdef COUNT
    vec2 pixel = floor(gl_FragCoord.xy * spacing) + 0.5;
#else
    vec2 pixel = 2.0 * floor(gl_FragCoord.xy) + 0.5;
#endif
    position = origin + pixel / scale;
    ivec2 first = cells, end = ivec2(0);
#ifdef FIELD
    vec2 points[4];
    right = vec4(0, 1, 0, 1) / scale;
    down = vec4(0, 0, 1, 1) / scale;
    for (int one = 0; one < 4; ++one) {
        points[one] = position + vec2(right[one], down[one]);
        include(points[one], first, end);
#ifdef PUBLISHED
        ivec2 ours = ivec2((tileShift + pixel + vec2(one % 2, one / 2)) / TILE);
        tile[one] = firstTile + ours;
        last[one] = texelFetch(limits, ours, 0).x;
#endif
    }
#else
    shown = ground;
    if (!isInside(position)) return;
    include(position, first, end);
#endif
    first = max(first, 0);
    end = min(end, cells);
    vec2 start = inCell(first), here = start;
    float next = 1.0 / float(perSide);
    for (ivec2 cell = first; cell.y < end.y; ++cell.y, here.y -= next)
        for (cell.x = first.x, here.x = start.x; cell.x < end.x; ++cell.x, here.x -= next)
            add(cell, here, texelFetch(places, cell, 0), texelFetch(colors, cell, 0));
    for (int index = 0; index < tailCount; ++index) {
        ivec2 cell = tailCell(index);
        add(cell, inCell(cell), texelFetch(tail, ivec2(0, index), 0), texelFetch(tail, ivec2(1, index), 0));
    }
#ifdef COUNT
    shown = vec4(counted & 255, counted >> 8, tried & 255, tried >> 8) / 255.0;
#else
    uvec4 packed = uvec4(0);
    for (int one = 0; one < 4; ++one) {
        uvec3 levels = uvec3(clamp(isInside(points[one]) ? sums[one] : ground.rgb, 0.0, 1.0) * 255.0 + 0.5);
        packed[one] = levels.x | levels.y << 8 | levels.z << 16;
    }
    block = packed;
#endif
}
#endif
