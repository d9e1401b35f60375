import torch

from splatsr.runs.machine import describe_machine, processor


def test_a_cpu_is_named_with_the_threads_in_use() -> None:
    torch.set_num_threads(1)
    one = describe_machine()
    torch.set_num_threads(2)
    assert (one["threads"], describe_machine()["threads"]) == (1, 2)
    assert one["device"] == processor() != ""
    assert one["torch"] == torch.__version__
