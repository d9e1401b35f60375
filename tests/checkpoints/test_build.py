from functools import partial

import pytest

from splatsr.checkpoints.build import build
from splatsr.errors import InputError
from splatsr.heads.free import FreePositions
from splatsr.models.bicubic import Bicubic


def test_nested_parts_are_built_and_partial_ones_only_bound() -> None:
    head = {"_target_": "splatsr.heads.free.FreePositions", "_partial_": True, "hidden": [4, 5]}
    plain = build({"parts": [head, {"_target_": "splatsr.models.bicubic.Bicubic"}], "count": 3})
    bound, model = plain["parts"]
    assert plain["count"] == 3
    assert isinstance(model, Bicubic)
    assert isinstance(bound, partial)
    assert (bound.func, bound.keywords) == (FreePositions, {"hidden": [4, 5]})


@pytest.mark.parametrize(
    "target",
    ["os.system", "torch.nn.Linear", "splatsr.heads.mlp.nn", "splatsr.models.nothing.Here", "splatsr.heads.mlp.Absent",
     "splatsr.jobs.train.train", "splatsr.heads.ddcw.CHUNK", "splatsr.heads.dictionary.save_dictionary",
     "splatsr.heads.dictionary.file_dictionary", "splatsr.checkpoints.files.save_model", 7, None],
)  # fmt: skip
def test_only_parts_of_models_and_encoders_are_built(target: object) -> None:
    with pytest.raises(InputError, match="refusing to build|does not exist"):
        build({"_target_": target})


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(InputError, match=r"^model\.upscale must be one of 1, 2, 3, 4, 6, 8; got 5"):
        build({"_target_": "splatsr.encoders.edsr.EDSR", "channels": 4, "blocks": 1, "upscale": 5,
                           "out_channels": 4, "input_mean": 0.0})  # fmt: skip
    with pytest.raises(InputError, match="nothing reads model.sharpness; Bicubic takes"):
        build({"_target_": "splatsr.models.bicubic.Bicubic", "sharpness": 3})
