"""Where files keep a state dict, and what their programs put before its names."""

from collections.abc import Mapping
from typing import Any

HOLDERS = ("params_ema", "params", "state_dict")
"""Keys under which files hold the state dict, the preferred first; an optimizer's and the like beside it are not looked at."""

_PARALLEL = "module."


def within_holders(content: Any) -> Any:
    """What a file holds as its state dict."""
    for _ in HOLDERS:  # each within another at most: a pickle's mapping may also hold itself
        if not isinstance(content, Mapping) or (key := next((one for one in HOLDERS if one in content), None)) is None:
            break
        content = content[key]
    return content


def without_parallel(state: Mapping[Any, Any]) -> dict[Any, Any]:
    """The entries under names without the `module.` that DataParallel puts before all of them."""
    prefix = _PARALLEL if all(isinstance(name, str) and name.startswith(_PARALLEL) for name in state) else ""
    return {name.removeprefix(prefix) if prefix else name: tensor for name, tensor in state.items()}
