from composed import settings_of
from splatsr.prior.report import protocol


def test_the_protocol_names_everything_that_figures_depend_on() -> None:
    line = protocol(settings_of("prior=paper")["prior"])
    assert line == (
        "40000 crops of 128x128 pixels, 0.25 kernels per pixel, cholesky, 50000 steps of adan 0.001, published gradient"
    )
    assert protocol(settings_of("prior.side=32", "prior.fitting.gradient=exact")["prior"]) != protocol(
        settings_of("prior.side=32")["prior"]
    )
