// For the tests: what a state shows on a canvas of a size, as base64 of RGBA rows, how long it took, and its kernels a pixel.
async (viewer, {width, height, repeat = 0, ...state}) => {
    const {canvas, renderer} = viewer, before = {...viewer.state, width: canvas.width, height: canvas.height}, times = [];
    if ((state.picture ?? before.picture) !== before.picture) await viewer.choose(state.picture);
    Object.assign(canvas, {width, height});
    Object.assign(viewer.state, state);
    for (let count = 0; count < repeat; ++count) {
        const began = performance.now();
        viewer.draw();
        renderer.pixels(0, 0, 1, 1);
        times.push(performance.now() - began);
    }
    viewer.draw();
    const levels = renderer.pixels(), counts = renderer.countKernels(viewer.shown.fields[0], viewer.state);
    Object.assign(canvas, {width: before.width, height: before.height});
    if (viewer.state.picture !== before.picture) await viewer.choose(before.picture);
    Object.assign(viewer.state, before);
    let text = "";
    for (let at = 0; at < levels.length; at += 8192) text += String.fromCharCode(...levels.subarray(at, at + 8192));
    return {levels: btoa(text), milliseconds: times.sort((a, b) => a - b)[times.length >> 1], ...counts};
}
