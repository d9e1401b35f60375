"""job=export: a ContinuousSR as an ONNX file, for programs without torch, and beside it a renderer that needs numpy alone."""

from pathlib import Path

from splatsr.checkpoints.choice import choose_model
from splatsr.disk.folder_lock import check_free
from splatsr.disk.free_space import in_words
from splatsr.disk.whole_file import check_place, whole_file
from splatsr.errors import InputError
from splatsr.onnx_files.export import whole_image
from splatsr.released.licence import licence_of
from splatsr.runs.lines import print_line
from splatsr.splat_files import reader


def export(*, checkpoint: str | None, output: str | None) -> None:
    """Arguments are the root keys of conf/run.yaml. Writes `output` (.onnx) if it computes what torch does; overwrites nothing.

    As in enlargements that people keep, images are continued beyond their border (`Model.continue_images`): the file makes
    the kernels of job=field.

    Raises:
        InputError: an argument is missing, a result exists already, the checkpoint cannot be loaded or makes no kernels, onnx
            or onnxruntime is missing, or the file would compute something else.
    """
    if not isinstance(checkpoint, str) or not isinstance(output, str):
        raise InputError("job=export needs checkpoint=<name or file> and output=<file>.onnx, one of each.")
    target = Path(output)
    if target.suffix != ".onnx":
        raise InputError(f"{target}: cannot write {target.suffix or 'a file without suffix'}; output ends in .onnx.")
    check_place(target)
    renderer, code = target.with_name("reader.py"), Path(reader.__file__).read_bytes()
    if target.exists():
        raise InputError(f"{target} exists already; nothing is overwritten, choose another output.")
    if (is_there := renderer.exists()) and not (renderer.is_file() and renderer.read_bytes() == code):
        raise InputError(f"{renderer} exists already and is another file; choose another folder for the output.")
    check_free(target.parent)
    model = choose_model(checkpoint, {}, "cpu")
    model.continue_images()
    content = whole_image(model, name=checkpoint, licence=licence_of(checkpoint))
    if not is_there:
        with whole_file(renderer, replace=False) as partial:
            partial.write_bytes(code)
    with whole_file(target, replace=False) as partial:
        partial.write_bytes(content)
    print_line(f"{checkpoint} -> {target} ({in_words(len(content))}, equal to torch), and {renderer}, which renders its fields")
