"""The one exception for what a user can put right: `run.py` prints it as a single line, without a traceback."""


class InputError(ValueError):
    """Wrong input (a file, a folder, a setting): the message says what is wrong, what was expected and what to do."""
