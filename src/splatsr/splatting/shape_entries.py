"""What the CPU splatter's loops know of a kernel: the rows of an array (SHAPE, kernels), which `loops.shape_kernels` fills."""

C_X, C_Y, SLANT, INVERSE_SY, SHARPNESS, WIDE, SLOPE, GROW, STEEP, BEND = range(10)
"""A kernel's shape: its centre, dm/dy, 1 / sy, 1 / (4 sc), the half width of its cut ellipse, l21 / l11, 1 / |l11|, 1 / |l22|
and exp(-1 / l22^2) (the letters: vector_code.py)."""

SHAPE = 10
"""Entries of a kernel's shape."""
