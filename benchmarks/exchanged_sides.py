"""What the slip of COZ's published test (protocol=coz_published) is worth: bicubic at x5 on the photographs that come along.

python benchmarks/exchanged_sides.py
"""

from pathlib import Path

from splatsr.data.evaluation_pairs import without_lr
from splatsr.data.photos import held_out_photographs, training_photographs
from splatsr.image_files.reading import image_size
from splatsr.metrics.evaluation import evaluate
from splatsr.metrics.figure import BICUBIC, select
from splatsr.metrics.protocol import Protocol
from splatsr.models.bicubic import Bicubic
from splatsr.runs.configuration import compose, instantiate


def figures(protocol: str, paths: list[Path]) -> list[float]:
    """PSNR in dB of each photograph; their LR images are made by PIL under both protocols."""
    settings = {**compose(f"protocol={protocol}")["protocol"], "given_lr": False}
    rules: Protocol = instantiate(settings, "protocol")
    found = evaluate(Bicubic(), {"photographs": without_lr(paths)}, [5], rules, metrics=["psnr"])
    return [figure.value for figure in select(found.image_figures, method=BICUBIC)]


def main() -> None:
    photographs = [*training_photographs(), *held_out_photographs()["photos"]]
    paths = [path for path in photographs if len(set(image_size(path))) == 2]
    right, published = (figures(protocol, paths) for protocol in ("coz", "coz_published"))
    differences = [other - one for one, other in zip(right, published, strict=True)]
    for path, one, difference in zip(paths, right, differences, strict=True):
        print(f"{path.name:<24} {one:.2f} dB, published {difference:+.2f}")
    print(f"mean of {len(paths)}: {sum(differences) / len(paths):+.2f} dB")


if __name__ == "__main__":
    main()
