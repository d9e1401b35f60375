"""job=evaluate: a checkpoint, or bicubic, on any folders at any scales."""

from collections.abc import Mapping, Sequence
from typing import Any

from splatsr.bounds import Natural
from splatsr.checkpoints.choice import choose_model
from splatsr.data.evaluation_pairs import EvaluationPairs
from splatsr.devices import Device, Precision
from splatsr.errors import InputError
from splatsr.image.self_ensemble import SelfEnsemble
from splatsr.metrics.evaluation import check_scales, check_sizes
from splatsr.metrics.figure import Evaluation
from splatsr.metrics.names import check_metrics
from splatsr.metrics.protocol import Protocol
from splatsr.runs.configuration import instantiate
from splatsr.runs.report import evaluate_and_report
from splatsr.runs.run import Run


def evaluate(
    *,
    model: Mapping[str, Any],
    checkpoint: str | None,
    beside: Mapping[str, str],
    table: Mapping[str, Any] | None,
    data: Mapping[str, Any],
    protocol: Mapping[str, Any],
    metrics: Sequence[str] | None,
    scales: Any,
    pictures: Natural,
    device: Device,
    precision: Precision,
    self_ensemble: bool,
    run: Run,
) -> Evaluation:
    """Arguments are the root keys of conf/run.yaml; metrics.json and pictures/ go to the run's folder.

    Raises:
        InputError: whatever the user can put right, before the first image.
    """
    run.begins()
    check_scales(scales)
    if metrics is not None:  # None: those of the protocol
        check_metrics(metrics)
    rules: Protocol = instantiate(protocol, "protocol")
    photographs = instantiate(data, "data")
    if not photographs.test_sets:
        raise InputError("nothing to evaluate on: set data.test=<folder of images> (or use data=photos).")
    EvaluationPairs(photographs.test_sets, scales, rules.low_resolution)  # refuses what the sets have no LR files for
    check_sizes(photographs.test_sets, scales, rules, every=False)
    chosen = choose_model(checkpoint, model, device, precision)
    others = {name: choose_model(file, model, device, precision) for name, file in beside.items()}
    if self_ensemble:
        chosen, others = SelfEnsemble(chosen), {name: SelfEnsemble(other) for name, other in others.items()}
    paper = None if table is None else instantiate(table, "table")
    run.describe(rendering=chosen.rendering)
    return evaluate_and_report(
        chosen,
        photographs,
        scales=scales,
        protocol=rules,
        metrics=metrics,
        checkpoint=checkpoint,
        beside=others,
        paper=paper,
        pictures=pictures,
        run_dir=run.folder,
    )
