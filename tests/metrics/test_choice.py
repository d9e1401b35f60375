from splatsr.metrics.choice import choose_metrics
from splatsr.metrics.psnr import PSNR
from splatsr.metrics.ssim import SSIM


def test_metrics_come_in_the_order_asked_for() -> None:
    choice = choose_metrics(["ssim", "psnr"])
    assert list(choice.make.items()) == [("ssim", SSIM), ("psnr", PSNR)]
    assert not choice.missing
