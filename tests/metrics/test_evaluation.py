import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.color import rgb2ycbcr
from skimage.data import astronaut
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from composed import protocol_of, settings_of
from splatsr.checkpoints.build import build
from splatsr.data.evaluation_pairs import Pair, without_lr
from splatsr.data.evaluation_sets import find_evaluation_sets
from splatsr.errors import InputError
from splatsr.image_files.folder import find_images
from splatsr.image_files.writing import write_image
from splatsr.metrics.choice import NETWORKS
from splatsr.metrics.evaluation import check_scales, evaluate, predict
from splatsr.metrics.figure import BICUBIC, MODEL, select
from splatsr.models.bicubic import Bicubic
from zoomed_scenes import write_scenes

Y = protocol_of("l_pil")


def test_bicubic_agrees_with_an_independent_computation(tmp_path: Path) -> None:
    """The same chain as the Set5 figures of the protocols' notes, by other code: PIL down and up, scikit-image's Y and SSIM."""
    write_image(tmp_path / "a.png", astronaut()[:121, :162])
    found = evaluate(Bicubic(), {"set": without_lr([tmp_path / "a.png"])}, [2, 3], Y, metrics=None)
    hr = astronaut()[:120, :162]
    lr = Image.fromarray(hr).resize((54, 40), Image.Resampling.BICUBIC)
    sr = np.asarray(lr.resize((162, 120), Image.Resampling.BICUBIC))
    ours, theirs = (rgb2ycbcr(image)[3:-3, 3:-3, 0] for image in (sr, hr))
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "full": True}
    _, similarity = structural_similarity(theirs, ours, data_range=255, **options)
    psnr, ssim, *bicubic = select(found.figures, scale=3)
    assert (psnr.set_name, psnr.scale, psnr.metric, psnr.method, psnr.images) == ("set", 3, "psnr_y", MODEL, 1)
    assert psnr.value == pytest.approx(peak_signal_noise_ratio(theirs, ours, data_range=255), abs=0.002)
    assert ssim.value == pytest.approx(similarity[5:-5, 5:-5].mean(), abs=1e-6)
    assert bicubic == [figure._replace(method=BICUBIC) for figure in (psnr, ssim)], "the model is bicubic itself"
    assert [figure.scale for figure in select(found.figures, metric="psnr_y", method=MODEL)] == found.scales == [2, 3]
    assert found.images == {"set": ["a.png"]}
    assert not found.missing


def test_a_sets_figure_is_the_mean_of_its_images_figures(photographs: Path) -> None:
    sets = {name: without_lr(sorted(photographs.iterdir())[:count]) for name, count in (("two", 2), ("three", 3))}
    found = evaluate(Bicubic(), sets, [2.5], protocol_of("l_pil_div2k"), metrics=["ssim", "psnr"])
    assert [figure.metric for figure in select(found.figures, set_name="two", method=MODEL)] == ["ssim_rgb", "psnr_rgb"]
    for figure in found.figures:
        own = [one for one in found.image_figures if one[:4] == figure[:4]]
        assert [one.image for one in own] == found.images[figure.set_name]
        assert sum(one.value for one in own) / figure.images == pytest.approx(figure.value, abs=1e-12)


def test_scales_that_not_every_scene_has_are_means_over_those_that_have_them(tmp_path: Path) -> None:
    sets = find_evaluation_sets("coz", root=None, test_root=str(write_scenes(tmp_path)))
    found = evaluate(Bicubic(), sets, [2, 3], protocol_of("coz"), metrics=["psnr"])
    assert [(figure.scale, figure.images) for figure in select(found.figures, method=MODEL)] == [(2, 2), (3, 1)]
    assert [one.image for one in found.image_figures if (one.method, one.scale) == (MODEL, 3)] == ["1.png"]
    assert not found.failures


@pytest.mark.parametrize("scales", [[], [0], ["abc"], "234", [0.9]])
def test_impossible_scales_are_refused(scales: object) -> None:
    with pytest.raises(InputError, match="scale"):
        check_scales(scales)


def test_fid_of_a_single_image_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_image(tmp_path / "a.png", astronaut()[:60, :60])
    monkeypatch.setitem(NETWORKS, "fid", torch.nn.Identity)
    with pytest.raises(InputError, match="set has fewer than two"):
        evaluate(Bicubic(), {"set": without_lr([tmp_path / "a.png"])}, [2], Y, metrics=["fid"])


@pytest.mark.parametrize(("scale", "size"), [(3.3, (36, 43)), (3.3, (37, 44)), (4, (37, 41))])
def test_a_prediction_has_the_size_of_its_target(scale: float, size: tuple[int, int]) -> None:
    """The nominal one, round(h s), the one that DIINN's sizes leave, and that of a real zoom of about x4."""
    pair = Pair(torch.rand(3, 11, 13), torch.rand(3, *size), scale, "set", Path("image.png"), "image.png")
    assert predict(Bicubic(), pair).shape == (3, *size)


def test_images_of_one_name_stay_apart(tmp_path: Path) -> None:
    for index, name in enumerate(("a.png", "one/a.png", "two/a.png")):
        write_image(tmp_path / name, astronaut()[60 * index : 60 * index + 60, :60])
    found = evaluate(Bicubic(), {"set": without_lr(find_images(tmp_path), tmp_path)}, [2], Y, metrics=["psnr"])
    names = ["a.png", "one/a.png", "two/a.png"]
    assert found.images == {"set": names}
    assert [figure.image for figure in found.image_figures if figure.method == MODEL] == names


def test_one_image_that_fails_leaves_the_others_measured(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", astronaut()[:60, :60])
    write_image(tmp_path / "pixel.png", astronaut()[:1, :1])
    write_image(tmp_path / "row.png", astronaut()[:1, :40])
    write_image(tmp_path / "small.png", astronaut()[:18, :18])
    (tmp_path / "broken.png").write_bytes(b"broken")
    paths = find_images(tmp_path)
    found = evaluate(Bicubic(), {"set": without_lr(paths)}, [2, 4], Y, metrics=["psnr"])
    alone = evaluate(Bicubic(), {"set": without_lr(paths[:1])}, [2, 4], Y, metrics=["psnr"])
    assert [figure.images for figure in found.figures] == [2, 2, 1, 1]
    assert select(found.figures, scale=4) == select(alone.figures, scale=4)
    assert len(found.failures) == 3 + 4
    assert "broken.png of set is left out at x2: " in found.failures[0]
    assert {figure.image for figure in found.image_figures if figure.scale == 4} == {"a.png"}


def test_a_set_none_of_whose_images_can_be_measured_has_no_figure(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"broken")
    found = evaluate(Bicubic(), {"set": without_lr([tmp_path / "broken.png"])}, [2], Y, metrics=["psnr"])
    assert all(math.isnan(figure.value) and figure.images == 0 for figure in found.figures)


def test_exact_predictions_are_counted(tmp_path: Path) -> None:
    write_image(tmp_path / "flat.png", np.full((40, 40, 3), 90, np.uint8))
    write_image(tmp_path / "photo.png", astronaut()[:40, :40])
    both = evaluate(Bicubic(), {"set": without_lr(find_images(tmp_path))}, [2], Y, metrics=["psnr"])
    photo = evaluate(Bicubic(), {"set": without_lr([tmp_path / "photo.png"])}, [2], Y, metrics=["psnr"])
    assert [figure.infinite for figure in both.figures] == [1, 1]
    assert [figure.value for figure in both.figures] == [figure.value for figure in photo.figures]


def test_a_prediction_that_is_not_finite_is_refused() -> None:
    model = build(settings_of("model=continuoussr_tiny", "model.encoder.blocks=1")["model"]).eval()
    model.cgm.grey = None  # whose mean would be infinite, and so the kernels
    pair = Pair(torch.rand(3, 5, 6), torch.rand(3, 10, 12), 2, "set", Path("image.png"), "image.png")
    for value, message in ((3e38, "values"), (math.inf, "kernels")):
        torch.nn.init.constant_(model.cgm.mlp.last.bias, value)
        with pytest.raises(InputError, match=f"ContinuousSR makes {message} that are not finite"):
            predict(model, pair)
