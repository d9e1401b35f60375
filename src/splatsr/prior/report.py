"""What a run of job=fit_prior found, as figures and as Markdown."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from splatsr.disk.markdown import markdown_table
from splatsr.prior.fits import Fits
from splatsr.prior.settings import PriorSettings
from splatsr.prior.statistics import PERCENTILES, RANGES, UNITS, correlations, describe, histograms, shape_values


def summarise(fits: Fits, kernels: Float[Tensor, "n 3"], prior: PriorSettings) -> dict[str, Any]:
    """Statistics of the pooled `kernels`, PSNR of every crop, and the protocol in words."""
    chunks = [figures for _, figures in fits.chunks()]
    quality = np.array([crop["psnr"] for figures in chunks for crop in figures["crops"]])
    values = shape_values(kernels)
    return {
        "protocol": prior.describe(),
        "crops": len(quality),
        "kernels": len(kernels),
        "which_kernels": prior.kernels,
        "process_seconds": sum(figures["seconds"] for figures in chunks),
        "psnr": {
            "mean": float(quality.mean()),
            "deviation": float(quality.std()),
            "lowest": float(quality.min()),
            "highest": float(quality.max()),
        },
        "psnr_per_crop": quality.tolist(),
        "units": dict(UNITS),
        "paper_ranges": {name: list(span) for name, span in RANGES.items()},
        "shapes": describe(values),
        "correlations": correlations(values),
        "histograms": histograms(values),
    }


def markdown(results: Mapping[str, Any]) -> str:
    """The tables as people read them."""
    quality, share = results["psnr"], "every kernel" if results["which_kernels"] == "all" else "kernels that reach a pixel"
    lines = [
        "# The prior of fitted kernels",
        "",
        f"{results['protocol'][0].upper()}{results['protocol'][1:]}.",
        f"PSNR {quality['mean']:.2f} dB (RGB, mean of {results['crops']} crops; deviation {quality['deviation']:.2f}, lowest "
        f"{quality['lowest']:.2f}, highest {quality['highest']:.2f}). {results['kernels']} kernels ({share}), "
        f"{results['process_seconds'] / 60:.1f} minutes of all processes together.",
        "",
        "px are pixels of the fitted crop. l11, l21, l22 are the entries of L, Sigma = L L^T, with l11 and l22 not negative.",
        "The paper's ranges are written there as those of variances and a covariance, and are those of l11, l22 and l21.",
        "",
    ]
    headings = ["", "unit", *(f"{percent:g} %" for percent in PERCENTILES), "mean", "deviation", "the paper's range (99 %)"]
    rows = []
    for name, figures in results["shapes"].items():
        span = "{:g} to {:g}".format(*results["paper_ranges"][name]) if name in results["paper_ranges"] else ""
        rows.append([name, results["units"][name], *(f"{figure:.2f}" for figure in figures.values()), span])
    lines.append(markdown_table(headings, rows, text_columns=len(headings)))
    correlated = [[names, f"{figure:.2f}"] for names, figure in results["correlations"].items()]
    lines += ["", "Correlations between kernels' entries:", "", markdown_table(["", ""], correlated, text_columns=1)]
    return "\n".join(lines) + "\n"
