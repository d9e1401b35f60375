"""The page that introduces a model on a hub: README.md, with the front matter that hubs read."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import yaml

from splatsr.disk.markdown import markdown_table

_LIMITS = """\
## Limits

- It enlarges what its photographs taught it: other pictures (drawings, text, faces, heavy JPEG artefacts) and scale factors are
  not measured here.
- What it adds is plausible, not evidence: not for forensic, medical or legal conclusions.
- Figures are of the protocol that is named, and of no other: they do not compare with tables of other protocols."""


class Card(NamedTuple):
    """What the page says.

    Attributes:
        name: of the model, for the heading.
        method: class of the network.
        encoder: class of its encoder, None where it has none.
        parameters: their number.
        licence: SPDX name.
        trained_by: the command that trained it, None where it is not known.
        trained_on: the photographs, in words or as settings; None where they are not known.
        made: how the training went: {"seed": "0", "commit": ..}; empty where it is not known.
        figures: rows of (set, scale, metric, bicubic, model) as text, and under which protocol; empty where none are known.
        protocol: its name.
        pictures: {caption: file beside the page}.
        sha256: of model.safetensors.
        version: of SplatSR.
    """

    name: str
    method: str
    encoder: str | None
    parameters: int
    licence: str
    trained_by: str | None
    trained_on: str | None
    made: Mapping[str, str]
    figures: Sequence[Sequence[str]]
    protocol: str | None
    pictures: Mapping[str, str]
    sha256: str
    version: str

    def markdown(self) -> str:
        """The page."""
        front = {
            "license": self.licence.lower(),
            "library_name": "splatsr",
            "pipeline_tag": "image-to-image",
            "tags": [
                "super-resolution",
                "image-super-resolution",
                "arbitrary-scale",
                "gaussian-splatting",
                self.method.lower(),
            ],
        }
        return (
            "\n\n".join(
                [
                    f"---\n{yaml.safe_dump(front, sort_keys=False)}---",
                    f"# {self.name}",
                    f"Arbitrary-scale image super-resolution: {self.method}{f' on {self.encoder}' if self.encoder else ''}, "
                    f"{self.parameters:,} parameters, a model of SplatSR {self.version}.",
                    "## Use",
                    "```bash\n"
                    "splatsr upscale photo.png --scale 3.7 --model hf:<owner>/<name>   # or the path of model.safetensors\n```",
                    '```python\nmodel = splatsr.load("model.safetensors")  # weights only: no code from the file runs\n'
                    "image = model(lr).render(scale=3.7)  # lr: (B, 3, h, w), RGB in [0, 1]\n```",
                    *self._training(),
                    *self._measured(),
                    _LIMITS,
                    f"## Licence\n\n{self.licence}. SHA-256 of model.safetensors: `{self.sha256}`.",
                ]
            )
            + "\n"
        )

    def _training(self) -> Sequence[str]:
        if self.trained_by is None and self.trained_on is None:
            return ["## Training\n\nNot known: there was no folder of a run beside the file."]
        said = [] if self.trained_on is None else [f"Photographs: {self.trained_on}."]
        command = [] if self.trained_by is None else [f"```bash\n{self.trained_by}\n```"]
        facts = "\n".join(f"- {name}: {value}" for name, value in self.made.items())
        return ["## Training", *said, *command, *([facts] if facts else [])]

    def _measured(self) -> Sequence[str]:
        pictures = [f"![{caption}]({file})" for caption, file in self.pictures.items()]
        if not self.figures:
            return ["## Figures\n\nNone have been measured.", *pictures]
        table = markdown_table(["set", "scale", "metric", "bicubic", "this model"], self.figures, text_columns=3)
        return [f"## Figures\n\nProtocol {self.protocol}.\n\n{table}", *pictures]
