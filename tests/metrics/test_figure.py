from splatsr.metrics.figure import BICUBIC, MODEL, Figure, nearest_scale, scale_name, select

FIGURES = [
    Figure(set_name, scale, metric, method, 30.0, 5)
    for set_name in ("Set5", "Set14") for scale in (2.0, 3.3) for method in (MODEL, BICUBIC) for metric in ("psnr_y", "ssim_y")
]  # fmt: skip


def test_figures_are_selected_by_what_they_are() -> None:
    assert select(FIGURES) == FIGURES
    (one,) = select(FIGURES, set_name="Set14", scale=3.3, metric="ssim_y", method=BICUBIC)
    assert one == ("Set14", 3.3, "ssim_y", BICUBIC, 30.0, 5, 0)
    assert len(select(FIGURES, metric=("psnr_y", "psnr_rgb"), method=MODEL)) == 4
    assert select(FIGURES, scale=2) == [figure for figure in FIGURES if figure.scale == 2], "an int is that scale too"
    assert not select(FIGURES, scale=4)


def test_scales_are_named_without_superfluous_zeros() -> None:
    assert [scale_name(scale) for scale in (4, 4.0, 3.3)] == ["x4", "x4", "x3.3"]


def test_the_nearest_scale() -> None:
    assert nearest_scale([2, 3.3, 8], 4) == 3.3
    assert nearest_scale([3, 5], 4) == 3
