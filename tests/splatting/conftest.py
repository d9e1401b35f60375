"""Where there is no GPU, Triton's kernels run in its interpreter. It is chosen when the module that holds them is imported."""

import os

import torch

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"
