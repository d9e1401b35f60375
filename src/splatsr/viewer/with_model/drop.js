// A picture that is dropped, chosen or pasted goes through the page's own network, and is shown. Nothing leaves the machine.
"use strict";

/** Called before anything is shown: there is a network from here on; where the page holds no picture, waits for the first. */
async function firstPicture(pictures) {
    const dropped = (window.dropped = new Dropped(pictures, JSON.parse(element("facts").textContent).network));
    const take = (files) => files?.length && dropped.take(files[0]);
    window.addEventListener("dragover", (event) => event.preventDefault());
    window.addEventListener("drop", (event) => {
        event.preventDefault();
        take(event.dataTransfer.files);
    });
    window.addEventListener("paste", (event) => take(event.clipboardData.files));
    element("file").onclick = (event) => (event.target.value = "");      // so that the same file again is another choice
    element("file").onchange = (event) => take(event.target.files);
    dropped.say(pictures.length ? "" : "Drop a picture, paste one, or choose one.");
    if (!pictures.length) await dropped.first;
}

class Dropped {
    constructor(pictures, facts) {
        Object.assign(this, {pictures, facts, count: 0, latest: 0, shown: null, refused: ""});
        this.first = new Promise((resolve) => (this.isShown = resolve));
        this.network = this.start();
        this.network.catch((error) => this.say(`The network cannot run in this browser: ${ended(error.message)}`));
    }

    /** The worker, once its network is ready. */
    async start() {
        const [runtime, wasm, model] = await Promise.all(["runtime", "wasm", "network"].map((id) => inflated(embedded(id))));
        for (const id of ["runtime", "wasm", "network"]) element(id).textContent = "";
        const worker = new Worker(URL.createObjectURL(new Blob([element("worker").textContent], {type: "text/javascript"})));
        await new Promise((resolve, reject) => {
            worker.onmessage = ({data}) => (data.error ? reject(new Error(data.error)) : resolve());
            worker.onerror = (event) => reject(new Error(event.message ?? "its thread does not start"));
            worker.postMessage({facts: this.facts, runtime, wasm: wasm.buffer, model}, [wasm.buffer, model.buffer]);
        });
        return worker;
    }

    /** Shows a picture's field when it is made, unless another one comes meanwhile; what is none leaves the one in work alone. */
    async take(file) {
        const number = ++this.count, {facts} = this;
        this.refused = "";
        try {
            this.say(`${file.name}: reading`, 0);
            const {pixels, bitmap} = await decoded(file), {width, height} = bitmap;
            if (Math.max(width, height) > facts.longest || width * height > facts.largest)
                throw new Error(`${width}x${height} pixels are too many here (at most ${facts.largest / 1e6} million, ${facts.longest} a side)`);
            if (number < this.latest) return;
            this.latest = number;
            const worker = await this.network;
            if (number !== this.latest) return;
            const made = await this.run(worker, {number, pixels, width, height}, (share) => {
                if (number === this.latest) this.say(`${file.name}: ${Math.round(100 * share)} %`, share);
            });
            if (number === this.latest) await this.show(file.name, number, bitmap, made);
        } catch (error) {
            this.refused = `${file.name} cannot be shown: ${ended(error.message)}`;
            this.say("");
        }
    }

    run(worker, message, told) {
        return new Promise((resolve, reject) => {
            worker.onmessage = ({data}) => {
                if (data.number !== message.number) return;
                if (data.error) reject(new Error(data.error));
                else if (data.places) resolve(data);
                else told(data.done / data.of);
            };
            worker.postMessage(message, [message.pixels.buffer]);
        });
    }

    /** Puts the picture in the place of the one dropped before. */
    async show(name, number, bitmap, {places, colors}) {
        const {facts, pictures, shown: last} = this, {perSide, margin, referenceScale} = facts, size = [bitmap.height, bitmap.width];
        const cells = size.map((side) => perSide * (side + 2 * margin)), data = `dropped${number}`;
        const about = {name: facts.name, data, cells, perSide, margin, referenceScale, ordered: true};
        const fields = [measured(about, size, places, colors, new Float32Array(0))];
        this.shown = {name, shown: {size, fields, pictures: [{name: "Bicubic", data, bitmap}]}};
        const index = last ? pictures.indexOf(last) : pictures.length;
        pictures[index] = this.shown;
        this.isShown();
        const viewer = await window.splatsr;
        fill(element("picture"), pictures.map((one, index) => [index, one.name]));
        element("pictures").hidden = pictures.length < 2;
        await viewer.turnTo(index);
        if (last) for (const what of ["places", "colors", "reach", "tail", "picture"]) viewer.renderer.forget(`${last.shown.fields[0].data} ${what}`);
        this.say("");
    }

    /** Says something, how far it is, and what was refused; without any of them the button stands alone. */
    say(sentence, share = null) {
        element("drop").className = this.shown || this.pictures.length ? "beside" : "alone";
        element("state").textContent = [sentence, this.refused].filter(Boolean).join(" ");
        Object.assign(element("share"), {hidden: share === null, value: share ?? 0});
    }
}

/** With one full stop: what browsers say has one, or not. */
function ended(sentence) { return sentence.replace(/\.?$/, "."); }

/** A picture's pixels, of what is transparent over white, and what the page draws of it. */
async function decoded(file) {
    const options = {colorSpaceConversion: "none", premultiplyAlpha: "none"}, source = await createImageBitmap(file, options);
    const canvas = new OffscreenCanvas(source.width, source.height), context = canvas.getContext("2d", {alpha: false});
    context.fillStyle = "#fff";
    context.fillRect(0, 0, source.width, source.height);
    context.drawImage(source, 0, 0);
    const image = context.getImageData(0, 0, source.width, source.height);
    return {pixels: image.data, bitmap: await createImageBitmap(image, options)};
}
