"""`splatsr models`: the models that are known by name, and what is known of them."""

import sys
from collections.abc import Iterator, Sequence

from splatsr.commands.arguments import Parser
from splatsr.released.catalogue import DEFAULT, Released, catalogue, public_files


def models(arguments: Sequence[str]) -> None:
    """Runs the command; InputError where it is given anything."""
    about = "Lists the models that are known by name: `splatsr upscale --model NAME`, splatsr.load(NAME), checkpoint=NAME."
    Parser("models", usage="splatsr models", about=about).parse_args(arguments)
    for name, model in catalogue().items():
        sys.stdout.write("\n".join(_lines(name, model)) + "\n")
    for name, known in public_files().items():
        where = f"hf:{known.repository}/{known.file}, downloaded when it is named"
        sys.stdout.write(f"{name}: {where}\n  licence     {known.licence}\n  {known.holds:11} {known.what}\n")
    sys.stdout.write("\nOthers: a file's path, or hf:owner/name on the Hugging Face Hub (downloaded when it is named).\n")


def _lines(name: str, model: Released) -> Iterator[str]:
    here = "is here" if model.path.is_file() else "did not come with this package"
    yield f"{name}{' (the default)' if name == DEFAULT else ''}: {here}"
    yield f"  method      {model.method}, encoder {model.encoder}, {model.parameters:,} parameters"
    yield f"  licence     {model.licence}"
    yield f"  trained on  {model.trained_on}"
    if model.figures:
        yield f"  PSNR-Y      {model.measured_on} (`{model.command}`):"
        yield "              " + "  ".join(f"{scale:>6}" for scale in model.figures)
        yield "     model    " + "  ".join(f"{one['psnr_y']:6.2f}" for one in model.figures.values())
        yield "     bicubic  " + "  ".join(f"{one['bicubic_psnr_y']:6.2f}" for one in model.figures.values())
