"""job=sensitivity: the same noise on images and on the kernels that were fitted to them (ContinuousSR section 4.2)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from splatsr.disk.markdown import markdown_table
from splatsr.disk.whole_file import write_json, write_text
from splatsr.prior.crops import Crop, read_crop
from splatsr.prior.fits import Fits
from splatsr.prior.sensitivity import measure
from splatsr.prior.settings import PriorSettings, Sensitivity
from splatsr.runs.configuration import instantiate
from splatsr.runs.prior_collection import collect, read_fits
from splatsr.runs.progress import along
from splatsr.runs.run import Run


def sensitivity(
    *, prior: Mapping[str, Any], data: Mapping[str, Any], trainer: Mapping[str, Any], input: str | None, run: Run
) -> dict[str, Any]:
    """Arguments are the root keys of conf/run.yaml. `input` is a run of job=fit_prior; None: crops are fitted first, in the
    run's folder. sensitivity.json and sensitivity.md go to the run's folder.

    Raises:
        InputError: whatever the user can put right, before the first image.
    """
    settings: PriorSettings = instantiate(prior, "prior")
    run.begins()
    if input is None and not collect(run, settings, data, trainer, resuming=False):
        return {}
    fits, fitted = read_fits(run.folder if input is None else Path(input))
    if input is not None:
        run.describe(rendering="point samples (x1)")
    figures = _measure_all(fits, fitted.side, settings.sensitivity, run.seed)
    results = {"protocol": fitted.describe(), "side": fitted.side, **figures}
    text = markdown(results)
    write_text(run.folder / "sensitivity.md", text)
    write_json(run.finished, results)
    console = Console(soft_wrap=True, markup=False, highlight=False)
    console.print(text)
    console.print(f"results: {run.folder}")
    return results


def _measure_all(fits: Fits, side: int, noise: Sensitivity, seed: int) -> dict[str, Any]:
    """{"psnr": {"0.05": {group: mean over crops and seeds}}, "deviation": the same between seeds, "crops", "seeds"}"""
    found: dict[tuple[float, int], list[dict[str, torch.Tensor]]] = {}
    crops = 0
    for index, (field, figures) in enumerate(along(fits.chunks(), len(fits.indices), "adding noise")):
        squares = [Crop(Path(crop["photograph"]), crop["top"], crop["left"]) for crop in figures["crops"]]
        truth = torch.stack([read_crop(square, side) for square in squares])
        crops += len(squares)
        for deviation in noise.deviations:
            for repetition in range(noise.seeds):
                chunk_seed = seed + repetition + noise.seeds * index
                measured = measure(field, truth, deviation=deviation, seed=chunk_seed)
                found.setdefault((deviation, repetition), []).append(measured)
    means, spreads = {}, {}
    for deviation in noise.deviations:
        runs = [found[deviation, repetition] for repetition in range(noise.seeds)]
        rows = {name: torch.stack([torch.cat([part[name] for part in run]).mean() for run in runs]) for name in runs[0][0]}
        means[f"{deviation:g}"] = {name: row.mean().item() for name, row in rows.items()}
        spreads[f"{deviation:g}"] = {name: row.std(correction=0).item() for name, row in rows.items()}
    return {"crops": crops, "seeds": noise.seeds, "psnr": means, "deviation_between_seeds": spreads}


def markdown(results: Mapping[str, Any]) -> str:
    """A row per group, a column per deviation of the noise."""
    deviations = list(results["psnr"])
    side = results["side"]
    lines = [
        "# Noise on images and on kernels",
        "",
        f"{results['protocol'][0].upper()}{results['protocol'][1:]}. PSNR in dB (RGB, clamped, at x1, against the photograph",
        f"where not said otherwise), means over {results['crops']} crops and {results['seeds']} draws of normal noise.",
        "ContinuousSR, section 4.2: 26.31 in the image, 13.83 in Gaussian space, no law of the noise given; 0.05 is nearest.",
        f"A deviation of 0.05 in normalised positions is {0.05 * side / 2:.1f} pixels in crops of {side}x{side}.",
        "",
    ]
    rows = [
        [name, *(f"{results['psnr'][deviation][name]:.2f}" for deviation in deviations)]
        for name in results["psnr"][deviations[0]]
    ]
    lines.append(markdown_table(["noise on", *deviations], rows, text_columns=1))
    return "\n".join(lines) + "\n"
