from splatsr.released.catalogue import public_files
from splatsr.released.licence import UNKNOWN, licence_of


def test_a_licence_is_the_catalogues_or_unknown() -> None:
    assert licence_of("tiny") == "CC-BY-SA-4.0"
    assert all(licence_of(name) == known.licence for name, known in public_files().items())
    assert licence_of("outputs/demo/model.safetensors") == UNKNOWN
