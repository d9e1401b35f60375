"""PSNR as the papers average it: in float64, per image, then the mean of the decibels."""

from splatsr.image.psnr import psnr
from splatsr.metrics.mean import MeanOverImages


class PSNR(MeanOverImages):
    """Mean PSNR over images, in dB."""

    measure = staticmethod(psnr)
