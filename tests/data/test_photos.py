"""What the quickstart trains on is there, distinct, and large enough."""

from splatsr.data.photos import held_out_photographs, small_photograph, training_photographs
from splatsr.image_files.reading import image_size, read_image


def test_photographs_are_there_and_large_enough_for_its_crops() -> None:
    training, held_out = training_photographs(), held_out_photographs()["photos"]
    assert (len(training), len(held_out)) == (7, 3)
    assert not set(training) & set(held_out)
    assert all(min(image_size(path)) >= 300 for path in [*training, *held_out])


def test_the_small_one_is_small() -> None:
    (path,) = small_photograph()["small"]
    assert read_image(path).shape == (102, 102, 3)
