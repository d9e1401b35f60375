import pytest

from splatsr.commands.models import models
from splatsr.released.catalogue import catalogue


def test_every_model_is_listed_with_what_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    models([])
    printed = capsys.readouterr().out
    for name, one in catalogue().items():
        for known in (name, one.method, one.encoder, f"{one.parameters:,}", one.licence, one.command, *one.figures):
            assert known in printed
