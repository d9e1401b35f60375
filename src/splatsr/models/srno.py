"""SRNO, "Super-Resolution Neural Operator" (Wei and Zhang, CVPR 2023): an encoder, and the operator in
`decoders.neural_operator`."""

from jaxtyping import Float
from torch import Tensor

from splatsr.bounds import PositiveOrInfinite, Width
from splatsr.decoders.attended_image import AttendedImage
from splatsr.decoders.feature_grid import lr_channels
from splatsr.decoders.neural_operator import PUBLISHED_NAMES, NeuralOperator
from splatsr.decoders.normalised_rgb import to_normalised
from splatsr.encoders.encoder import Encoder
from splatsr.image.model import Model
from splatsr.published_form import PublishedForm


class SRNO(Model):
    """LR image to AttendedImage.

    Args:
        encoder: LR to features on the LR grid.
        width: channels of a point's features (published: 256).
        heads: of the attention (published, as "blocks": 16); the width is a multiple of them.
        largest_scale: of the training; beyond it the network is given the cell of that scale (published test: 4); inf: none.
    """

    has_weights = True
    rendering = "decoded at every pixel's centre, all pixels together"

    def __init__(self, *, encoder: Encoder, width: Width, heads: Width, largest_scale: PositiveOrInfinite) -> None:
        super().__init__()
        self.encoder = encoder
        self.operator = NeuralOperator(channels=lr_channels(encoder), width=width, heads=heads, largest_scale=largest_scale)

    def forward(self, lr: Float[Tensor, "b 3 h w"]) -> AttendedImage:
        """The image of a batch of RGB images in [0, 1]."""
        return self.operator(lr, self.encoder(to_normalised(lr)))


PUBLISHED = PublishedForm(
    name="sronet",
    title="SRNO",
    encoders={"edsr-baseline": "encoder.", "rdn": "encoder."},
    upscale=1,
    arguments={"width": 256, "blocks": 16},
    ignored=[],
    names=PUBLISHED_NAMES,
    config={"_target_": "splatsr.models.srno.SRNO", "width": 256, "heads": 16, "largest_scale": 4},
)
