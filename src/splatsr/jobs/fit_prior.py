"""job=fit_prior: fits kernels to crops of photographs, and describes them: the Deep Gaussian Prior, and dictionaries of it."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from splatsr.disk.whole_file import write_json, write_text
from splatsr.heads.dictionary import save_dictionary
from splatsr.prior.fits import Fits
from splatsr.prior.report import markdown, summarise
from splatsr.prior.settings import PriorSettings
from splatsr.runs.configuration import instantiate
from splatsr.runs.prior_collection import FITTED_WITH, collect
from splatsr.runs.run import Run


def fit_prior(*, prior: Mapping[str, Any], data: Mapping[str, Any], trainer: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Arguments are the root keys of conf/run.yaml. The run's folder then holds

    config.yaml, env.txt, fields/ (see `prior.fits`), dictionary.safetensors, prior.md, pictures/prior.png and statistics.json,
    which is returned. A killed run goes on with `resume`, over any number of processes: what has been fitted stays.

    Raises:
        InputError: whatever the user can put right, before the first crop.
    """
    resuming = run.goes_on(same=FITTED_WITH)
    settings: PriorSettings = instantiate(prior, "prior")
    settings.check_dictionary()
    if not collect(run, settings, data, trainer, resuming=resuming):
        return {}
    fits = Fits(run.folder, crops=settings.crops, batch=settings.batch)
    kernels = fits.pooled(settings.kernels)
    results = summarise(fits, kernels, settings)
    save_dictionary(settings.dictionary(kernels), run.folder / "dictionary.safetensors")
    from splatsr.pictures.prior import draw_prior  # matplotlib takes a second

    (run.folder / "pictures").mkdir(exist_ok=True)
    draw_prior(kernels, run.folder / "pictures" / "prior.png", title=results["protocol"])
    text = markdown(results)
    write_text(run.folder / "prior.md", text)
    write_json(run.finished, results)  # last: what is finished has it
    console = Console(soft_wrap=True, markup=False, highlight=False)
    console.print(text)
    console.print(f"fields, statistics, pictures and dictionary: {run.folder}")
    return results
