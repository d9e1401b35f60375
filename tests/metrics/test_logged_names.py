from composed import protocol_of
from splatsr.metrics.logged_names import logged_name, split_logged_name


def test_names_say_stage_protocol_metric_set_and_scale() -> None:
    name = logged_name("val", protocol_of("l_pil"), "psnr_y", "set5", 3.3)
    assert name == "val/L-pil/psnr_y/set5/x3.3"
    assert split_logged_name(name) == ("val", "L-pil", "psnr_y", "set5", "x3.3")


def test_whatever_else_is_logged_is_no_figure() -> None:
    assert split_logged_name("val/psnr") is None
    assert split_logged_name("lr-Adam") is None
