"""`splatsr serve`: a page in the browser that enlarges pictures on this machine."""

import importlib.util
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from splatsr.commands.arguments import Parser
from splatsr.errors import InputError
from splatsr.released.catalogue import DEFAULT, catalogue, check_name

SHOWN = 2000
"""Pixels along the longer side of what the page compares; the file to download has them all."""

_LARGEST = 16.0


def serve(arguments: Sequence[str]) -> None:
    """Runs the command until Ctrl-C.

    Raises:
        InputError: an argument cannot be meant, gradio is not installed, or the port is taken.
    """
    about = "Opens a page that enlarges pictures: upload, factor, before and after. Pictures stay on this machine."
    parser = Parser("serve", usage="splatsr serve [options]", about=about)
    parser.add_argument("--model", default=DEFAULT, metavar="NAME|FILE", help=f"the one chosen first; default: {DEFAULT}")
    parser.add_argument("--host", default="127.0.0.1", metavar="H", help="0.0.0.0 lets others in; default: this machine alone")
    parser.add_argument("--port", default="7860", metavar="P", help="default: 7860")
    options = parser.parse_args(arguments)
    check_name(options.model)
    if not re.fullmatch(r"[0-9]{1,5}", options.port) or not 0 < int(options.port) < 65536:
        raise InputError(f"--port {options.port}: expected a whole number from 1 to 65535.")
    if importlib.util.find_spec("gradio") is None:
        raise InputError("the page needs gradio, which is not installed: pip install 'splatsr[serve]'.")
    with tempfile.TemporaryDirectory(prefix="splatsr-") as folder:
        _run(build_page(options.model, Path(folder)), options.host, int(options.port))


def _run(page: Any, host: str, port: int) -> None:
    sys.stdout.write(f"http://{host}:{port} (Ctrl-C ends it)\n")
    sys.stdout.flush()
    try:
        page.launch(server_name=host, server_port=port, quiet=True)
    except OSError as error:
        raise InputError(f"no page at {host}:{port}: {error}. Choose another --port.") from error


def build_page(model: str, folder: Path) -> Any:
    """The page, a gradio.Blocks that is not launched yet; results lie in `folder` until it hands them out."""
    import gradio

    here = [name for name, known in catalogue().items() if known.path.is_file()]
    with gradio.Blocks(title="SplatSR", analytics_enabled=False) as page:
        gradio.Markdown("# SplatSR\nEnlarges a picture by any factor. Nothing leaves this machine.")
        with gradio.Row():
            with gradio.Column(scale=1):
                picture = gradio.Image(type="filepath", label="Picture", sources=["upload", "clipboard"])
                scale = gradio.Slider(1.0, _LARGEST, value=4.0, step=0.1, label="Factor")
                chosen = gradio.Dropdown(list(dict.fromkeys([model, *here])), value=model, label="Model")
                button = gradio.Button("Enlarge", variant="primary")
                file = gradio.File(label="Result", height=90)
            with gradio.Column(scale=2):
                slider = gradio.ImageSlider(label="Bicubic | enlarged", type="filepath")
        button.click(_told(gradio.Error, folder), [picture, scale, chosen], [slider, file])
    return page


def enlarge(path: str | None, scale: float, model: str, results: Path) -> tuple[tuple[str, str], str]:
    """((bicubic, enlarged) for the eye, the enlarged picture), PNG files in a folder of their own in `results`.

    Raises:
        InputError: there is no picture, or it cannot be enlarged.
    """
    if path is None:
        raise InputError("choose a picture first.")
    from PIL import Image

    from splatsr.commands.upscale import BICUBIC, upscale

    folder = Path(tempfile.mkdtemp(dir=results))
    result, bicubic = folder / f"{Path(path).stem}_x{scale:g}.png", folder / "bicubic.png"
    for target, chosen in ((result, model), (bicubic, BICUBIC)):
        upscale([path, "--scale", f"{scale:g}", "-o", str(target), "--model", chosen])
    shown = []
    for source in (bicubic, result):
        with Image.open(source) as image:
            image.thumbnail((SHOWN, SHOWN), Image.Resampling.LANCZOS)
            image.save(folder / f"shown-{source.name}")
        shown.append(str(folder / f"shown-{source.name}"))
    return (shown[0], shown[1]), str(result)


def _told(error_kind: type[Exception], results: Path) -> Any:
    """`enlarge`, with what the user can put right as the page's own kind of error."""

    def run(path: str | None, scale: float, model: str) -> tuple[tuple[str, str], str]:
        try:
            return enlarge(path, scale, model, results)
        except InputError as error:
            raise error_kind(str(error)) from error

    return run
