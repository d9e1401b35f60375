// The page's controls: pointer, wheel, pinch, keys, panel, link and theme, and the beginning of everything.
"use strict";

const element = (id) => document.getElementById(id);

function control(viewer, canvas) {
    const pixelRatio = () => canvas.width / Math.max(canvas.clientWidth, 1);
    const at = (event) => {
        const box = canvas.getBoundingClientRect();
        return [(event.clientX - box.left) * pixelRatio(), (event.clientY - box.top) * pixelRatio()];
    };
    controlPointers(viewer, canvas, at);
    controlDivider(viewer, canvas);
    controlKeys(viewer);
    element("out").onclick = () => viewer.zoom(1 / 1.5);
    element("in").onclick = () => viewer.zoom(1.5);
    element("fit").onclick = () => viewer.fit();
    element("one").onclick = () => viewer.zoom(1 / viewer.state.scale);
    element("zoom").oninput = (event) => {
        const [least, most] = viewer.limits();
        viewer.zoom((least * (most / least) ** Number(event.target.value)) / viewer.state.scale);
    };
    element("picture").onchange = (event) => viewer.turnTo(Number(event.target.value));
    element("other").onchange = (event) => viewer.change({other: Number(event.target.value)});
    element("kernels").onchange = (event) => viewer.change(
        event.target.value === "none" ? {kernels: false} : {kernels: true, coloring: Number(event.target.value)},
    );
    element("published").onchange = (event) => viewer.change({published: event.target.checked});
    element("theme").onclick = () => setTheme(viewer, document.documentElement.dataset.theme === "dark" ? "light" : "dark");
    element("link").onclick = async () => {
        replaceHash(viewer.link);
        const copied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
        element("spoken").textContent = copied ? "The link is copied." : "The link is in the address bar.";
        element("link").textContent = copied ? "Copied" : "See address bar";
        setTimeout(() => (element("link").textContent = "Copy link"), 2000);
    };
    window.addEventListener("hashchange", () => viewer.follow(location.hash.slice(1)));
    new ResizeObserver(() => resize(viewer, canvas)).observe(canvas);
}

/** The canvas has a pixel per pixel of the screen; what is in its middle stays there. */
function resize(viewer, canvas) {
    const ratio = window.devicePixelRatio || 1, {x, y} = viewer.middle();
    const width = Math.max(Math.round(canvas.clientWidth * ratio), 1), height = Math.max(Math.round(canvas.clientHeight * ratio), 1);
    if (canvas.width === width && canvas.height === height) return;
    Object.assign(canvas, {width, height});
    if (viewer.shown) viewer.centre(x, y, viewer.state.scale);
    viewer.draw();                      // at once: a canvas of another size is empty, and would be seen so
}

function controlPointers(viewer, canvas, at) {
    const held = new Map();
    const spread = () => {
        const [[ax, ay], [bx, by]] = [...held.values()];
        return {x: (ax + bx) / 2, y: (ay + by) / 2, length: Math.max(Math.hypot(ax - bx, ay - by), 1)};
    };
    canvas.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        canvas.setPointerCapture(event.pointerId);
        held.set(event.pointerId, at(event));
        canvas.classList.add("dragged");
    });
    canvas.addEventListener("pointermove", (event) => {
        if (!held.has(event.pointerId)) return;
        const [px, py] = held.get(event.pointerId), [x, y] = at(event), before = held.size === 2 ? spread() : null;
        held.set(event.pointerId, [x, y]);
        if (held.size === 1) viewer.pan(x - px, y - py);
        if (!before) return;
        const after = spread();
        viewer.pan(after.x - before.x, after.y - before.y);
        viewer.zoom(after.length / before.length, after.x, after.y);
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"])
        canvas.addEventListener(end, (event) => {
            held.delete(event.pointerId);
            if (!held.size) canvas.classList.remove("dragged");
        });
    canvas.addEventListener("dblclick", (event) => viewer.zoom(event.shiftKey ? 0.5 : 2, ...at(event)));
    for (const part of [canvas, element("divider")]) part.addEventListener("wheel", (event) => {
        event.preventDefault();
        const lines = [1, 16, 400][event.deltaMode], speed = event.ctrlKey ? 0.01 : 0.002;  // a pinch on a touchpad is ctrl
        viewer.zoom(Math.exp(-Math.min(Math.max(event.deltaY * lines, -400), 400) * speed), ...at(event));
    }, {passive: false});
}

function controlDivider(viewer, canvas) {
    const divider = element("divider");
    divider.addEventListener("pointerdown", (event) => divider.setPointerCapture(event.pointerId));
    divider.addEventListener("pointermove", (event) => {
        if (divider.hasPointerCapture(event.pointerId)) setSplit(viewer, event.clientX / Math.max(canvas.clientWidth, 1));
    });
    divider.addEventListener("keydown", (event) => {
        const steps = {ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1};
        if (!(event.key in steps)) return;
        setSplit(viewer, viewer.state.split + steps[event.key]);
        event.preventDefault();
        event.stopPropagation();
    });
}

function setSplit(viewer, split) { viewer.change({split: Math.min(Math.max(split, 0), 1)}); }

function controlKeys(viewer) {
    const step = (event) => (event.shiftKey ? 400 : 80) * (window.devicePixelRatio || 1), {state} = viewer;
    const keys = {
        ArrowLeft: (event) => viewer.pan(step(event), 0), ArrowRight: (event) => viewer.pan(-step(event), 0),
        ArrowUp: (event) => viewer.pan(0, step(event)), ArrowDown: (event) => viewer.pan(0, -step(event)),
        "+": () => viewer.zoom(1.25), "=": () => viewer.zoom(1.25), "-": () => viewer.zoom(0.8), 0: () => viewer.fit(),
        "[": () => setSplit(viewer, state.split - 0.02), "]": () => setSplit(viewer, state.split + 0.02),
        c: () => viewer.change({other: state.other + 1 < viewer.others().length ? state.other + 1 : -1}),
        k: () => viewer.change({kernels: !state.kernels}),
        h: () => viewer.change({kernels: true, coloring: (state.coloring + 1) % COLORINGS.length}),
        p: () => viewer.shown.fields[0].ordered && viewer.change({published: !state.published}),
        n: () => viewer.turnTo((viewer.wanted + 1) % viewer.pictures.length),
        t: () => element("theme").click(), "?": () => (element("keys").open = element("panel").open = !element("keys").open),
    };
    window.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, summary")) return;
        const power = /^[1-8]$/.test(event.key) ? 2 ** (Number(event.key) - 1) : 0;
        if (power) viewer.zoom(power / state.scale);
        else if (Object.hasOwn(keys, event.key)) keys[event.key](event);
        else return;
        event.preventDefault();
    });
}

/** Shows the state in the panel; `figures` are those of a view at rest, and empty while it moves. */
function show(viewer, figures) {
    const {state, shown, canvas} = viewer, others = viewer.others(), split = 100 * state.split, [least, most] = viewer.limits();
    const left = others[state.other]?.[0], scale = state.scale < 10 ? state.scale.toFixed(2) : state.scale.toFixed(1);
    const divider = element("divider"), field = shown.fields[0], name = viewer.pictures[state.picture].name;
    element("factor").textContent = `x${scale}`;
    element("zoom").value = Math.log(state.scale / least) / Math.log(most / least);
    element("zoom").setAttribute("aria-valuetext", `${scale} times`);
    element("picture").value = state.picture;
    fill(element("other"), others.map(([one], index) => [index, one]), [-1, "nothing"]);
    element("other").value = state.other;
    element("kernels").value = state.kernels ? state.coloring : "none";
    Object.assign(element("published"), {checked: state.published && field.ordered, disabled: !field.ordered});
    for (const part of [divider, element("left")]) part.hidden = state.other < 0;
    divider.style.left = `${split}%`;
    divider.setAttribute("aria-valuenow", Math.round(split));
    divider.setAttribute("aria-valuetext", `${left}: the left ${Math.round(split)} percent`);
    Object.assign(element("left").style, {right: `calc(${100 - split}% + 26px)`, opacity: split < 8 ? 0 : 1});
    Object.assign(element("right").style, {left: state.other < 0 ? "12px" : `calc(${split}% + 26px)`, opacity: split > 92 ? 0 : 1});
    element("left").textContent = left;
    element("right").textContent = state.published && field.ordered ? `${field.name}, published renderer` : field.name;
    if (figures.milliseconds === undefined) return;
    const {x, y} = viewer.middle(), [height, width] = shown.size, time = figures.milliseconds.toFixed(1);
    const each = `${figures.counted.toFixed(1)} kernels a pixel (${figures.tried.toFixed(1)} tried)`;
    element("figures").textContent = `${width}x${height} LR pixels, ${time} ms a frame, ${each}`;
    const what = `${name} at ${scale} times, around column ${Math.round(x)}, row ${Math.round(y)} of ${width} by ${height}`;
    canvas.setAttribute("aria-label", what);
    element("spoken").textContent = what;
    if (location.hash.slice(1) !== viewer.link) replaceHash(viewer.link);
}

function replaceHash(link) {
    try {
        history.replaceState(null, "", `#${link}`);
    } catch {                           // frames without an address of their own
    }
}

function fill(select, ...options) {
    const wanted = [...options.slice(1), ...options[0]].map(([value, text]) => new Option(text, value));
    if ([...select.options].map((one) => one.text).join("\n") !== wanted.map((one) => one.text).join("\n"))
        select.replaceChildren(...wanted);
}

function setTheme(viewer, theme) {
    document.documentElement.dataset.theme = theme;
    element("theme").textContent = theme === "dark" ? "Light" : "Dark";
    const ground = getComputedStyle(document.documentElement).getPropertyValue("--ground").trim();
    viewer.ground = [1, 3, 5].map((at) => parseInt(ground.slice(at, at + 2), 16) / 255).concat(1);
    viewer.change({});
}

function sorry(sentence) {
    for (const part of document.querySelectorAll("main, aside")) part.hidden = true;
    Object.assign(element("sorry"), {hidden: false, textContent: sentence});
}

async function begin() {
    const {pictures} = JSON.parse(element("facts").textContent), canvas = element("canvas");
    const viewer = new Viewer(canvas, pictures, (figures) => show(viewer, figures));
    if (!viewer.renderer.gl)
        return sorry("This page draws with WebGL 2, which this browser does not offer: open it in a current Firefox, Chrome, Edge or Safari with hardware acceleration switched on.");
    await window.firstPicture?.(pictures);      // of a page that runs a model
    document.querySelector("main").hidden = false;
    fill(element("picture"), pictures.map(({name}, index) => [index, name]));
    fill(element("kernels"), COLORINGS.map((name, index) => [index, `by ${name}`]), ["none", "hidden"]);
    element("pictures").hidden = pictures.length < 2;
    element("panel").open = innerWidth > 640 && innerHeight > 480;
    resize(viewer, canvas);
    await viewer.follow(location.hash.slice(1));
    control(viewer, canvas);
    setTheme(viewer, matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    viewer.draw();
    show(viewer, {});
    return viewer;
}

window.splatsr = begin().catch((error) => {
    sorry(`This page cannot be shown: ${error.message}.`);
    throw error;
});
