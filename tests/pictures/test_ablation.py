from pathlib import Path

import matplotlib.image
import pytest

from splatsr.pictures.ablation import draw_ablation
from splatsr.tables.members import cells, read_members
from toy_runs import toy_member


@pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")
def test_every_set_at_that_scale_has_a_panel_and_every_cell_a_color(tmp_path: Path) -> None:
    for index, (psnr, seed) in enumerate([(30.0, 0), (31.0, 1), (29.0, 0), (None, 1)]):
        toy_member(tmp_path, index, psnr, f"model.positions.offset_range={1 + index // 2}", f"seed={seed}")
    found = cells(read_members(tmp_path))
    for name, scale in (("there", 4), ("absent", 2)):
        draw_ablation(found, tmp_path / f"{name}.png", scale=scale)
    there, absent = (matplotlib.image.imread(tmp_path / f"{name}.png") for name in ("there", "absent"))
    colored = [(abs(there[..., :3] - color).max(-1) < 0.02).sum() for color in ([0.12, 0.47, 0.71], [1.0, 0.5, 0.05])]
    assert min(colored) > 20, "the bars of both cells' means"
    assert absent.std() < there.std(), "no figure at that scale: an empty panel"


@pytest.mark.filterwarnings("ignore::DeprecationWarning:matplotlib")
@pytest.mark.filterwarnings("ignore:Glyph")
def test_names_are_no_formulas(tmp_path: Path) -> None:
    for index, key in enumerate((r"$\x$", "$a")):
        toy_member(tmp_path, index, 30.0, rf"model.name={key}{index}$\frac$")
    draw_ablation(cells(read_members(tmp_path)), tmp_path / "names.png", scale=4)
    assert (tmp_path / "names.png").stat().st_size > 0
