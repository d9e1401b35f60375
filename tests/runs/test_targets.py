import pytest

from splatsr.errors import InputError
from splatsr.runs.targets import find_target


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("trainer", "lightning.Trainer"),
        ("trainer.plugins[0]", "lightning.pytorch.plugins.environments.SLURMEnvironment"),
        ("logger.csv", "splatsr.training.csv_log.CSVLog"),
        ("schedule", "splatsr.training.schedules.cosine"),
        ("data.train", "splatsr.data.photos.training_photographs"),
        ("model.shapes.dictionary", "splatsr.heads.dictionary.file_dictionary"),
        ("benchmark.models.liif.encoder", "splatsr.encoders.edsr.EDSR"),
        ("prior.dictionary", "splatsr.prior.dictionaries.grid"),
    ],
)
def test_parts_are_found(name: str, target: str) -> None:
    assert callable(find_target(target, name))


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("trainer", "lightning.pytorch.seed_everything"),  # a function where parts are classes
        ("benchmark", "splatsr.disk.whole_file.write_text"),
        ("benchmark", "splatsr.runs.command_line.main"),
        ("model.encoder", "splatsr.disk.whole_file.write_text"),
        ("model", "splatsr.models.liif.LIIF.forward"),  # a method
        ("data", "splatsr.data.module.PhotoData.__init__"),
        ("schedule", "splatsr.training.schedules._warm_up"),
        ("callbacks.last", "splatsr.jobs.train.LastCheckpoint"),  # not where it is defined
        ("trainer", "splatsr.data.module.lightning.Trainer"),
        ("trainer", "splatsr.data.module.os.system"),
        ("optimizer", "torch.hub.load"),
        ("data", "splatsr"),
        ("data", ""),
        ("data", 3),
    ],
)
def test_what_is_no_part_is_refused(name: str, target: object) -> None:
    with pytest.raises(InputError, match="_target_ is"):
        find_target(target, name)
