// What is looked at, and from where: the state of the page, how it changes, and what is drawn of it.
"use strict";

const SMALLEST = 0.5, LARGEST = 200;
const COLORINGS = ["shape", "drift", "channel"];

class Viewer {
    constructor(canvas, pictures, told) {
        // told: called after something was drawn, and with the figures of a view at rest
        Object.assign(this, {renderer: new Renderer(canvas), canvas, pictures, told, loaded: new Map(), lost: false});
        this.state = {picture: 0, x: 0, y: 0, scale: 1, split: 0.5, other: 0, published: false, coloring: 0, kernels: true};
        canvas.addEventListener("webglcontextlost", (event) => {
            event.preventDefault();
            this.lost = true;
        });
        canvas.addEventListener("webglcontextrestored", () => {
            this.lost = false;
            this.renderer.restore();
            if (this.shown) this.change({});
        });
    }

    /** Everything that a picture shows, decoded: {size, fields, pictures}. */
    load(index) {
        const {size, fields, pictures, shown} = this.pictures[index], together = (list) => Promise.all(list);
        if (shown) return shown;                // made here, by with_model/drop.js
        if (!this.loaded.has(index)) {
            const parts = [together(fields.map((one) => readField(one, size))), together(pictures.map(readPicture))];
            this.loaded.set(index, together(parts).then(([fields, pictures]) => ({size, fields, pictures})));
        }
        return this.loaded.get(index);
    }

    /** What may stand to the left of the slider: functions that draw it into columns of the canvas. */
    others() {
        const {size, fields, pictures} = this.shown, view = this.state;
        const ofPictures = pictures.map((one) => [one.name, (to) => this.renderer.drawPicture(one, size, view, to)]);
        const squares = ["Low-resolution pixels", (to) => this.renderer.drawPicture(pictures[0], size, view, {...to, squares: true})];
        const ofFields = fields.slice(1).map((one) => [one.name, (to) => this.renderer.drawField(one, view, to)]);
        return [ofPictures[0], squares, ...ofPictures.slice(1), ...ofFields];
    }

    /** Shows a picture, unless another one is chosen (`wanted`) before it has been decoded. */
    async choose(index) {
        this.wanted = index;
        const shown = await this.load(index);
        if (this.wanted !== index) return;
        this.shown = shown;
        this.state.picture = index;
        if (this.state.other >= this.others().length) this.state.other = 0;
    }

    /** Another picture, all of it. */
    turnTo(index) { return this.choose(index).then(() => this.wanted === index && this.fit()); }

    /** Alpha of ellipses, centres and cells: they fade in as there is room for them. */
    strength() {
        const fade = (from, to) => Math.min(Math.max(Math.log2(this.state.scale / from) / Math.log2(to / from), 0), 1);
        return this.state.kernels ? [fade(16, 48), fade(24, 64), fade(24, 64)] : [0, 0, 0];
    }

    draw() {
        if (this.isBlind) return;
        const {canvas, renderer, state} = this, hasSlider = state.other >= 0;
        const split = hasSlider ? Math.round(Math.min(Math.max(state.split, 0), 1) * canvas.width) : 0;
        const ground = this.ground ?? [0, 0, 0, 1], field = this.shown.fields[0];
        if (hasSlider) this.others()[state.other][1]({left: 0, right: split, ground});
        renderer.drawField(field, state, {left: split, published: state.published && field.ordered, ground});
        const strength = this.strength(), thickness = 1.2 * (window.devicePixelRatio || 1);
        const over = {left: 0, right: canvas.width, strength, coloring: state.coloring, thickness};
        if (strength[0] > 0) renderer.drawKernels(field, state, over);
    }

    /** Changes the state, and draws at the next occasion; `told` says how fast once nothing changes any more. */
    change(changes) {
        Object.assign(this.state, changes);
        this.keepInView();
        if (!this.frame) this.frame = requestAnimationFrame(() => {
            this.frame = 0;
            this.draw();
            this.told({});
        });
        clearTimeout(this.rest);
        this.rest = setTimeout(() => this.measure(), 300);
    }

    get isBlind() { return this.lost || !this.shown || this.renderer.gl.isContextLost(); }

    measure() {
        if (this.isBlind) return;
        const began = performance.now();
        this.draw();
        this.renderer.pixels(0, 0, 1, 1);       // waits, as gl.finish does not
        const milliseconds = performance.now() - began;
        this.told({milliseconds, ...this.renderer.countKernels(this.shown.fields[0], this.state)});
    }

    limits() { return [Math.min(SMALLEST, this.fitting()), LARGEST]; }

    fitting() {
        const [height, width] = this.shown.size;
        return Math.min(this.canvas.width / width, this.canvas.height / height, LARGEST);
    }

    /** Zooms by a factor; the LR point below (px, py), output pixels of the canvas, stays there. */
    zoom(factor, px = this.canvas.width / 2, py = this.canvas.height / 2) {
        const [least, most] = this.limits(), {x, y, scale} = this.state;
        const next = Math.min(Math.max(scale * factor, least), most);
        this.change({scale: next, x: x + px / scale - px / next, y: y + py / scale - py / next});
    }

    /** Moves the image by output pixels. */
    pan(dx, dy) { this.change({x: this.state.x - dx / this.state.scale, y: this.state.y - dy / this.state.scale}); }

    /** Puts an LR point into the middle, at a scale. */
    centre(x, y, scale) {
        const [least, most] = this.limits(), next = Math.min(Math.max(scale, least), most);
        this.change({scale: next, x: x - this.canvas.width / 2 / next, y: y - this.canvas.height / 2 / next});
    }

    fit() { this.centre(this.shown.size[1] / 2, this.shown.size[0] / 2, 0.96 * this.fitting()); }

    middle() {
        const {x, y, scale} = this.state;
        return {x: x + this.canvas.width / 2 / scale, y: y + this.canvas.height / 2 / scale};
    }

    /** The image cannot be moved out of sight. */
    keepInView() {
        if (!this.shown) return;
        const {state, canvas} = this, [height, width] = this.shown.size, seen = 16 / state.scale;
        state.x = Math.min(Math.max(state.x, seen - canvas.width / state.scale), width - seen);
        state.y = Math.min(Math.max(state.y, seen - canvas.height / state.scale), height - seen);
    }

    /** The state as a link's fragment, and back; what is no number in it is left out. */
    get link() {
        const {x, y} = this.middle(), {picture, scale, split, other, published, coloring, kernels} = this.state;
        const number = (value) => String(Number(value.toFixed(5)));
        const place = {picture, x: number(x), y: number(y), zoom: number(scale), split: number(split), other};
        return new URLSearchParams({...place, published: Number(published), coloring, kernels: Number(kernels)}).toString();
    }

    async follow(link) {
        const given = new URLSearchParams(link), whole = (name, least, most, otherwise) => {
            const value = Number(given.get(name) ?? NaN);
            return Number.isInteger(value) && value >= least && value <= most ? value : otherwise;
        };
        await this.choose(whole("picture", 0, this.pictures.length - 1, this.state.picture));
        const {state} = this, number = (name) => Number(given.get(name) || NaN), split = number("split");
        Object.assign(state, {
            other: whole("other", -1, this.others().length - 1, state.other),
            published: Boolean(whole("published", 0, 1, Number(state.published))),
            kernels: Boolean(whole("kernels", 0, 1, Number(state.kernels))),
            coloring: whole("coloring", 0, COLORINGS.length - 1, state.coloring),
        });
        if (Number.isFinite(split)) state.split = Math.min(Math.max(split, 0), 1);
        const [x, y, scale] = ["x", "y", "zoom"].map(number);
        if ([x, y, scale].every(Number.isFinite)) this.centre(x, y, scale);
        else this.fit();
    }
}
