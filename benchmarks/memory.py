"""Peak memory of ContinuousSR on HAT, as published, enlarging one large image on the CPU.

    python benchmarks/memory.py           # 5 to 10 minutes on two cores; not part of `make benchmark`

Writes its table in benchmarks/README.md and benchmarks/results/memory.json. The image is enlarged in a process of its own,
whose largest resident memory the system reports: Python, torch and the model included.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time

from section import figure, write_results, write_section
from splatsr.disk.markdown import markdown_table

OVERRIDES = ["model=continuoussr", "model/encoder=hat"]
LR_SIZE, SCALE = (441, 446), 4
"""An image on which users of the published code report running out of memory: 0.8 million kernels."""
BAR = 6.0
"""GB (1e9 bytes) that must not be reached."""


def enlarge(lr_size: tuple[int, int], scale: int) -> dict[str, float]:
    """GB in use at most until the model stood, the field was there and the image was rendered; seconds for the latter two."""
    import torch

    from composed_model import composed_model

    def peak() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9

    os.nice(10)
    model = composed_model(*OVERRIDES).eval()
    lr = torch.rand(1, 3, *lr_size, generator=torch.Generator().manual_seed(0))
    gb, start = {"model_gb": peak()}, time.perf_counter()
    with torch.inference_mode():
        field = model(lr)
        gb["encoded_gb"], encoded = peak(), time.perf_counter()
        image = field.render(scale=scale)
    if not torch.isfinite(image).all():
        raise SystemExit("The enlarged image holds values that are not finite.")
    return {**gb, "rendered_gb": peak(), "encode_s": encoded - start, "render_s": time.perf_counter() - encoded}


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Measures the peak memory of one large enlargement; rewrites the README table."
    )
    parser.add_argument(
        "--lr", type=int, nargs=2, default=LR_SIZE, metavar=("HEIGHT", "WIDTH"), help="another size of the image"
    )
    parser.add_argument("--child", action="store_true", help="enlarge here and print the figures; write nothing")
    arguments = parser.parse_args()
    lr_size = tuple(arguments.lr)
    if arguments.child:
        print(json.dumps(enlarge(lr_size, SCALE)))
        return
    command = [sys.executable, __file__, "--child", "--lr", *map(str, lr_size)]
    child = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    result = json.loads(child.stdout.splitlines()[-1])
    size = " --lr {} {}".format(*lr_size) if lr_size != LR_SIZE else ""
    made_by = write_results("memory", f"python benchmarks/memory.py{size}", lr_size=lr_size, scale=SCALE, bar_gb=BAR, **result)
    headings = ("LR", "scale", "model, GB", "after encoding, GB", "after rendering, GB", "encode, s", "render, s")
    row = [f"{lr_size[1]} x {lr_size[0]}", f"x{SCALE}", *map(figure, result.values())]
    reached = f"The bar, below {BAR:g} GB, is {'reached' if result['rendered_gb'] < BAR else 'missed'}."
    text = f"{made_by}; one run.\n\n{markdown_table(headings, [row], text_columns=2)}\n\n{reached}"
    print(text)
    write_section("memory", text)


if __name__ == "__main__":
    main()
