"""What makes a tiny model good: questions with answers, every answer trained for the same time on one core, with several seeds.

    python benchmarks/recipe.py --train <folder> <folder> --test <folder> --minutes 5 --seeds 0 1
    python benchmarks/recipe.py ... --questions heads loss      # some of them; what is there already is kept
    python benchmarks/recipe.py ... --gpu 8                     # the trainings on a GPU, so many at a time

Every answer changes the recipe of experiment=tiny_released, with batches and a rate for a processor, in what the question is
about. Steps are timed first, in turns and in processor time; each answer then gets as many as its minutes allow, and a cosine
schedule of that length. The trainings run two at a time, each on one core; or, much sooner over, with the same steps on a GPU.
What a finished one measured is kept
in docs/results/recipe, the rest in outputs/recipe: the same command goes on where it was stopped. Writes its tables in
docs/recipe.md.
"""

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from section import HERE, write_results, write_section
from splatsr.disk.markdown import markdown_table
from training_steps import Steps, step_seconds
from trainings import Training, run_all

PAGE = HERE.parent / "docs" / "recipe.md"
MEASURED = HERE.parent / "docs" / "results" / "recipe"

BATCHES = 50
"""Of an epoch; trainings end with a whole one."""

SCALES = (2, 4)

PUBLISHED_HEADS = ["model/shapes=ddcw", "model/positions=apd", "model/colors=cgm", "model.colors.skip=true"]
FREQUENCY = ["loss=l1_frequency", "loss.weight=0.01"]
LIGHT_HEADS = ["model/shapes=ddcw_light", "model/positions=apd_light", "model/colors=cgm_light", "model.colors.skip=true"]

QUESTIONS: dict[str, dict[str, list[str]]] = {
    "heads": {"tiny": [], "light": LIGHT_HEADS, "published": PUBLISHED_HEADS},
    "width": {
        "48 channels, 10 blocks": [],
        "32 channels, 22 blocks": ["model.encoder.channels=32", "model.encoder.blocks=22"],
        "64 channels, 5 blocks": ["model.encoder.channels=64", "model.encoder.blocks=5"],
        "48 channels, 5 blocks": ["model.encoder.blocks=5"],
    },
    "body": {"residual blocks": [], "large kernels": ["model/encoder=large_kernels_tiny"]},
    "kernels per pixel": {
        "4": [],
        "1": ["model.kernels_per_pixel=1"],
        "9": ["model.kernels_per_pixel=9", "model.encoder.upscale=3"],
    },
    "kernels in flat surroundings": {"4": [], "1": ["model/flat_pixels=merged"]},
    "color skip": {
        "bilinear": [],
        "bicubic": ["model.colors.skip_rule=bicubic"],
        "none": ["model.colors.skip=false"],
    },
    "first weights": {"blurred LR image": [], "published": ["model/initialisation=published"]},
    "training scales": {
        "2 to 6": [],
        "1 to 6": ["data.scale_range=[1,6]"],
        "4 to 8": ["data.scale_range=[4,8]"],
        "2 to 8, log-uniform": ["data.scale_range=[2,8]", "data.scale_distribution=log_uniform"],
    },
    "footprint": {"below x2": [], "none": ["model.reference_scale=0"], "always": ["model.reference_scale=inf"]},
    "patch and batch": {
        "8 of 96": [],
        "18 of 64": ["data.patch=64", "data.batch_size=18"],
        "4 of 136": ["data.patch=136", "data.batch_size=4"],
        "16 of 96": ["data.batch_size=16"],
    },
    "learning rate": {
        "8e-4": [],
        "4e-4": ["optimizer.lr=4e-4"],
        "1.6e-3": ["optimizer.lr=1.6e-3"],
        "8e-4, no warm-up": ["schedule.warmup_steps=0"],
        "8e-4, warm-up of 120 steps": ["schedule.warmup_steps=120"],
    },
    "optimizer": {
        "Adam": [],
        "AdamW": ["optimizer=adamw", "optimizer.lr=8e-4", "optimizer.betas=[0.9,0.99]"],
        "Adan": ["optimizer=adan", "optimizer.lr=3e-3"],
    },
    "loss": {
        "L1": [],
        "Charbonnier": ["loss=charbonnier"],
        "L1 + frequency": FREQUENCY,
        "L1 + SSIM": ["loss=l1_ssim"],
    },
    "averaging": {
        "0.99": [],
        "0.998": ["callbacks.averaging.decay=0.998"],
        "0.95": ["callbacks.averaging.decay=0.95"],
        "none": ["callbacks.averaging=null"],
    },
    "crops": {"anywhere": [], "most detail of 2": ["data.crop_candidates=2"], "most detail of 4": ["data.crop_candidates=4"]},
    "grey surroundings": {"grey": [], "free": ["model.colors.grey=null"]},
    "colors that change places": {"no": [], "yes": ["data.permute_colors=true"]},
    "drawings": {"60 of 317": [], "none": ["data.drawings=0"]},
    "together": {"nothing of it": [], "L1 + frequency, 15 drawings": [*FREQUENCY, "data.drawings=15"]},
}
"""The first answer of each is the recipe itself."""


FIRST = "loss=l1", "model.reference_scale=2", "data.drawings=60"
"""In which the first recipe differs from what experiment=tiny_released is now."""

FREE = (
    *("optimizer.lr=", "schedule.warmup_steps=", "callbacks.averaging.decay=", "optimizer=", "optimizer.betas="),
    *("data.drawings=", "data.permute_colors="),
)
"""What does not change the time of a step: it is that of the other settings, and not what a noisy clock makes of it."""


def whole(overrides: Sequence[str]) -> list[str]:
    """With what the first recipe, from which all answers were measured, had of its own, where they say nothing of it."""
    return [*(own for own in FIRST if not any(setting.startswith(own.partition("=")[0]) for setting in overrides)), *overrides]


def training(question: str, answer: str, overrides: list[str], seed: int, epochs: int) -> Training:
    name = "".join(letter if letter.isalnum() or letter in ".-" else "-" for letter in f"{question}_{answer}")
    title = f"{name if overrides else 'base'}_{epochs}epochs_seed{seed}"
    settings = *whole(overrides), f"seed={seed}", f"trainer.max_epochs={epochs}", f"trainer.check_val_every_n_epoch={epochs}"
    return Training(title, settings, Path("outputs/recipe") / title, MEASURED / f"{title}.json")


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains every answer; writes docs/recipe.md.")
    parser.add_argument("--train", nargs="+", required=True, help="folders of photographs")
    parser.add_argument("--test", nargs="+", required=True, help="folders of test images")
    parser.add_argument("--minutes", type=float, default=5.0, help="of one core, for every training")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--questions", nargs="+", choices=list(QUESTIONS), default=list(QUESTIONS), metavar="QUESTION")
    parser.add_argument("--gpu", type=int, metavar="TRAININGS", help="train on the GPU, so many at a time")
    parser.add_argument("--timed", type=int, default=8, help="steps that are timed of every answer")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    common = [
        *("experiment=tiny_released", "data=folder", f"data.train=[{','.join(arguments.train)}]"),
        *(f"data.batches_per_epoch={BATCHES}", "data.workers=0", "schedule.warmup_steps=40"),
        "callbacks.averaging.decay=0.99",  # as short as the trainings are
        *("data.batch_size=8", "data.patch=96", "optimizer.lr=8e-4", "trainer=cpu"),
    ]
    measuring = ["data=folder", f"data.test=[{','.join(arguments.test)}]", f"scales=[{','.join(map(str, SCALES))}]"]
    asked = {question: QUESTIONS[question] for question in arguments.questions}
    answers = {(question, answer): overrides for question, own in asked.items() for answer, overrides in own.items()}
    distinct = {tuple(overrides): None for overrides in answers.values()}
    seconds = step_times(common, [list(overrides) for overrides in distinct], arguments.timed)
    epochs = {overrides: max(1, round(60 * arguments.minutes / each / BATCHES)) for overrides, each in seconds.items()}
    trainings = {
        (tuple(overrides), seed): training(question, answer, overrides, seed, epochs[tuple(overrides)])
        for (question, answer), overrides in answers.items()
        for seed in arguments.seeds
    }
    where = ["trainer=gpu", "trainer.precision=32-true"] if arguments.gpu else []
    run_all(list(trainings.values()), [*common, *where], measuring, arguments.gpu or 2)
    rows = [
        {
            "question": question,
            "answer": answer,
            "settings": overrides,
            "seconds per step": seconds[tuple(overrides)],
            "steps": BATCHES * epochs[tuple(overrides)],
            "psnr": [trainings[tuple(overrides), seed].psnr() for seed in arguments.seeds],
        }
        for (question, answer), overrides in answers.items()
    ]
    command = f"python benchmarks/recipe.py --train <folders> --test <folders> --minutes {arguments.minutes:g}"
    command += f" --gpu {arguments.gpu}" if arguments.gpu else ""
    made_by = write_results("recipe", command, seeds=arguments.seeds, rows=rows)
    write_section("recipe", f"{made_by}; steps by the time of one core.\n\n" + "\n\n".join(tables(rows)), PAGE)


def step_times(common: list[str], answers: list[list[str]], count: int) -> dict[tuple[str, ...], float]:
    """Processor seconds of a step of each; kept, so that a command that goes on counts the same steps."""
    path = MEASURED / "seconds.json"
    known: dict[str, float] = json.loads(path.read_text()) if path.exists() else {}
    found = {}
    for answer in answers:
        paid = [setting for setting in answer if not setting.startswith(FREE)]
        if (key := " ".join(paid)) not in known:
            base, own = (Steps(*common, *whole(overrides)) for overrides in ([], paid))
            of_base, of_own = step_seconds([base, own], count, time.process_time)
            known[key] = known.get("", of_base) * of_own / of_base if paid else of_own  # ratios are what turns measure well
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(known, indent=2))
        found[tuple(answer)] = known[key]
    return found


def tables(rows: list[dict]) -> list[str]:
    """One for each question: means over the seeds, half the range between them behind."""
    columns = list(rows[0]["psnr"][0])
    texts = []
    for question in dict.fromkeys(row["question"] for row in rows):
        cells = []
        for row in (row for row in rows if row["question"] == question):
            values = [[figures[column] for figures in row["psnr"]] for column in columns]
            shown = [f"{statistics.mean(of):.2f} ± {(max(of) - min(of)) / 2:.2f}" for of in values]
            settings = " ".join(f"`{one}`" for one in row["settings"]) or "the recipe"
            cells.append([row["answer"], settings, str(row["steps"]), *shown])
        headings = ["answer", "settings", "steps", *columns]
        texts.append(f"### {question.capitalize()}\n\n{markdown_table(headings, cells, text_columns=2)}")
    return texts


if __name__ == "__main__":
    main()
