import math

import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from splatsr.geometry import cell_corners, resolve_output
from splatsr.image.field import GaussianField
from splatsr.large_images.encoded_rows import EncodedRows

OFFSET, LONGEST = 0.7, 0.5
"""Of the fields below: largest offset from a cell's corner and longest standard deviation, in LR pixels."""
SUPPORT = OFFSET + math.sqrt(2 * math.log(255)) * LONGEST


def random_field(height: int, width: int) -> GaussianField:
    """Every kernel as long as it may be, and as far from its cell's corner."""
    draw = torch.Generator().manual_seed(height * width)
    corners = cell_corners(height, width, 1)
    means = corners + OFFSET * (2.0 * torch.randint(2, (len(corners), 2), generator=draw) - 1)
    cholesky = torch.tensor([LONGEST, 0.0, LONGEST]).expand(1, len(corners), 3)
    colors = torch.rand(1, len(corners), 3, generator=draw)
    return GaussianField(means[None], cholesky, colors, (height, width), reference_scale=4.0)


@given(
    bands=st.lists(st.integers(1, 9), min_size=1, max_size=5), width=st.integers(1, 12), margin=st.integers(0, 4),
    scale=st.tuples(*[st.floats(0.3, 5)] * 2), rows_per_strip=st.integers(1, 40),
)  # fmt: skip
def test_strips_of_a_field_that_comes_in_bands_make_the_whole_image(
    bands: list[int], width: int, margin: int, scale: tuple[float, float], rows_per_strip: int
) -> None:
    grid = random_field(sum(bands) + 2 * margin, width + 2 * margin)
    field = grid.framed(margin)
    height = sum(bands)
    assume(min(round(height * scale[0]), round(width * scale[1])) >= 1)
    output = resolve_output((height, width), scale=scale)
    encoded, done, strips = EncodedRows(output, (height, width), SUPPORT, margin), 0, []
    for rows in [margin, *bands, margin] if margin else bands:
        encoded.drop(done)
        encoded.append(grid.crop(rows=(encoded.end, encoded.end + rows), columns=(0, width + 2 * margin)))
        assert encoded.field.size[0] == encoded.end - encoded.first
        while done < encoded.ready:
            end = min(done + rows_per_strip, encoded.ready)
            part, strip = encoded.strip((done, end))
            strips.append(part.render_strip(strip))
            done = end
    assert done == output.size[0]
    error = (torch.cat(strips, dim=2) - field.render(scale=scale)).abs()
    assert (error < 1e-4).float().mean() > 0.99
    assert error.max() < 0.02, "a kernel may cross the cut at 1/255 of its color"


def test_rows_are_kept_as_long_as_they_contribute_and_no_longer() -> None:
    encoded = EncodedRows(resolve_output((40, 3), scale=2), (40, 3), support=3, margin=0)
    assert encoded.support == 4, "two output pixels more are one LR pixel"
    field = random_field(40, 3)
    encoded.append(field.crop(rows=(0, 20), columns=(0, 3)))
    assert encoded.ready == 32, "LR rows from 20 on contribute from LR row 16 on"
    encoded.drop(32)
    assert (encoded.first, encoded.end) == (12, 20)
    encoded.append(field.crop(rows=(20, 40), columns=(0, 3)))
    assert encoded.ready == 80
