"""What libraries say to developers, and users need not read."""

import logging
import warnings


def quieten_lightning() -> None:
    """Leaves out Lightning's notes on devices, seeds, strategies and unused loaders."""
    warnings.filterwarnings("ignore", r".isinstance.treespec, LeafSpec.. is deprecated")  # Lightning 2.6 on torch 2.12
    warnings.filterwarnings("ignore", ".*predict_dataloader.* does not have many workers")
    for noisy in ("pytorch.utilities.rank_zero", "fabric.utilities.seed", "fabric.utilities.distributed"):
        logging.getLogger(f"lightning.{noisy}").setLevel(logging.WARNING)
