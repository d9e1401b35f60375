"""The dashboard's panels as plain data: what `job=dashboard` makes of them on W&B."""

from typing import Any, NamedTuple


class Panel(NamedTuple):
    """A curve of logged names over the step, or the pictures under them; names are regular expressions."""

    title: str
    names: str
    pictures: bool = False


SECTIONS: dict[str, tuple[Panel, ...]] = {
    "Training": (
        Panel("loss", "^train/loss$"),
        Panel("gradient norm, before clipping", "^train/gradient_norm$"),
        Panel("images per second", "^train/images_per_second$"),
        Panel("learning rate", "^lr-"),
    ),
    "Validation": (
        Panel("PSNR in dB, mean over sets and scales", "^val/psnr$"),
        Panel("PSNR in dB, the best so far", "^val/psnr_best$"),
        Panel("PSNR in dB, by set and scale", "^val/[^/]+/psnr"),
        Panel("SSIM, LPIPS, DISTS", "^val/(ssim|lpips|dists)$"),
    ),
    "Pictures": (Panel("strips", "val/strip", pictures=True), Panel("fields", "val/field", pictures=True)),
    "Test": (Panel("final figures", "^test/[^/]+/(psnr|ssim|lpips|dists)"), Panel("pictures", "test/pictures", pictures=True)),
}
"""Sections from top to bottom, each with its panels; the names are those of `metrics.logged_names` and of the callbacks."""


def make_workspace(workspaces: Any, reports: Any, *, entity: str, project: str, name: str) -> Any:
    """A workspace of W&B with these panels, not yet saved.

    Args:
        workspaces: the module wandb_workspaces.workspaces.
        reports: the module wandb_workspaces.reports.v2, which has the panels.
        entity: the user or team whose project it is.
        project: the project's name.
        name: of the view.
    """
    sections = [
        workspaces.Section(
            name=title,
            is_open=True,
            panels=[
                reports.MediaBrowser(title=panel.title, media_keys=[panel.names])
                if panel.pictures
                else reports.LinePlot(title=panel.title, metric_regex=panel.names)
                for panel in panels
            ],
        )
        for title, panels in SECTIONS.items()
    ]
    return workspaces.Workspace(entity=entity, project=project, name=name, sections=sections)
