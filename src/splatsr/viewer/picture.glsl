// A picture of pixels by Pillow's bicubic rule: cubic a = -0.5, widened where it becomes smaller, cut at the border and
// renormalised; rows first, rounded to 8 bit, then columns, rounded again. Or its pixels as squares.
// Lengths are the picture's own pixels, counted from `base`.
precision highp float;
precision highp int;
precision highp sampler2D;

uniform sampler2D picture;
uniform int level;                  // of its mipmaps: 0 until it becomes smaller than a quarter
uniform bool squares;
uniform ivec2 base;
uniform vec2 origin, scale;         // output pixels per pixel of the picture
uniform float height;
uniform vec4 ground;
out vec4 shown;

float cubic(float x) {
    x = abs(x);
    return x < 1.0 ? (1.5 * x - 2.5) * x * x + 1.0 : x < 2.0 ? ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0 : 0.0;
}

vec3 eightBit(vec3 levels) { return clamp(floor(levels + 0.5), 0.0, 255.0); }

void main() {
    ivec2 size = textureSize(picture, level);
    vec2 position = origin + vec2(gl_FragCoord.x, height - gl_FragCoord.y) / scale;
    ivec2 own = base + ivec2(floor(position));
    shown = ground;
    if (any(lessThan(own, ivec2(0))) || any(greaterThanEqual(own, size))) return;
    if (squares) {
        shown = vec4(texelFetch(picture, own, level).rgb, 1.0);
        return;
    }
    vec2 wide = max(1.0 / scale, 1.0);
    ivec2 first = max(base + ivec2(floor(position - 2.0 * wide + 0.5)), 0) - base;
    ivec2 end = min(base + ivec2(floor(position + 2.0 * wide + 0.5)), size) - base;
    vec3 sum = vec3(0.0);
    float total = 0.0;
    for (int y = first.y; y < end.y; ++y) {
        vec3 row = vec3(0.0);
        float weights = 0.0;
        for (int x = first.x; x < end.x; ++x) {
            float weight = cubic((float(x) - position.x + 0.5) / wide.x);
            row += weight * 255.0 * texelFetch(picture, base + ivec2(x, y), level).rgb;
            weights += weight;
        }
        float weight = cubic((float(y) - position.y + 0.5) / wide.y);
        sum += weight * eightBit(row / weights);
        total += weight;
    }
    shown = vec4(eightBit(sum / total) / 255.0, 1.0);
}
