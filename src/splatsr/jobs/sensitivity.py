"""job=sensitivity: the same noise on images and on the kernels that were fitted to them (ContinuousSR section 4.2)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from splatsr.disk.whole_file import write_json, write_text
from splatsr.errors import InputError
from splatsr.jobs.fit_prior import fit_prior, read_fits
from splatsr.prior.crops import Crop, read_crop
from splatsr.prior.fits import Fits
from splatsr.prior.report import protocol
from splatsr.prior.sensitivity import measure
from splatsr.runs.progress import along
from splatsr.runs.run_folder import describe_run


def sensitivity(
    *,
    prior: Mapping[str, Any],
    data: Mapping[str, Any],
    trainer: Mapping[str, Any],
    seed: int,
    input: str | None,
    run_dir: str,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """Arguments are the root keys of conf/run.yaml. `input` is a run of job=fit_prior; None: the same is done first, in the
    run's folder. sensitivity.json and sensitivity.md go to the run's folder.

    Raises:
        InputError: whatever the user can put right, before the first image.
    """
    _check(prior["sensitivity"])
    folder = Path(run_dir)
    if (folder / "sensitivity.json").exists():
        raise InputError(f"{folder} is finished already (it has a sensitivity.json); nothing is overwritten.")
    if input is None:
        fit_prior(
            prior=prior, data=data, trainer=trainer, seed=seed, resume=None, run_dir=run_dir,
            settings={**settings, "job": {"_target_": "splatsr.jobs.fit_prior.fit_prior"}},
        )  # fmt: skip
    else:
        describe_run(folder, settings, rendering="point samples (x1)")
    fits, fitted = read_fits(folder if input is None else Path(input))
    results = {"protocol": protocol(fitted), "side": fitted["side"], **_measure_all(fits, fitted["side"], prior, seed)}
    text = markdown(results)
    write_text(folder / "sensitivity.md", text)
    write_json(folder / "sensitivity.json", results)
    console = Console(soft_wrap=True, markup=False, highlight=False)
    console.print(text)
    console.print(f"results: {folder}")
    return results


def _check(noise: Mapping[str, Any]) -> None:
    if not noise["deviations"] or any(not deviation > 0 for deviation in noise["deviations"]):
        raise InputError(f"prior.sensitivity.deviations must be numbers greater than 0; got {noise['deviations']}.")
    if not isinstance(noise["seeds"], int) or noise["seeds"] < 1:
        raise InputError(f"prior.sensitivity.seeds must be a whole number of at least 1; got {noise['seeds']!r}.")


def _measure_all(fits: Fits, side: int, prior: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """{"psnr": {"0.05": {group: mean over crops and seeds}}, "deviation": the same between seeds, "crops", "seeds"}"""
    deviations, repetitions = prior["sensitivity"]["deviations"], prior["sensitivity"]["seeds"]
    found: dict[tuple[float, int], list[dict[str, torch.Tensor]]] = {}
    crops = 0
    for number, (field, figures) in enumerate(along(fits.chunks(), len(fits.indices), "adding noise")):
        places = [Crop(Path(crop["photograph"]), crop["top"], crop["left"]) for crop in figures["crops"]]
        truth = torch.stack([read_crop(place, side) for place in places])
        crops += len(places)
        for deviation in deviations:
            for repetition in range(repetitions):
                drawn = seed + repetition + repetitions * number
                found.setdefault((deviation, repetition), []).append(measure(field, truth, deviation=deviation, seed=drawn))
    means, spreads = {}, {}
    for deviation in deviations:
        runs = [found[deviation, repetition] for repetition in range(repetitions)]
        rows = {name: torch.stack([torch.cat([part[name] for part in run]).mean() for run in runs]) for name in runs[0][0]}
        means[f"{deviation:g}"] = {name: row.mean().item() for name, row in rows.items()}
        spreads[f"{deviation:g}"] = {name: row.std(correction=0).item() for name, row in rows.items()}
    return {"crops": crops, "seeds": repetitions, "psnr": means, "deviation_between_seeds": spreads}


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
        f"| noise on | {' | '.join(deviations)} |",
        f"| --- |{' ---: |' * len(deviations)}",
    ]
    for name in results["psnr"][deviations[0]]:
        figures = (f"{results['psnr'][deviation][name]:.2f}" for deviation in deviations)
        lines.append(f"| {name} | {' | '.join(figures)} |")
    return "\n".join(lines) + "\n"
