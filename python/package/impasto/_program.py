"""The program ``impasto``, as the wheel puts it on the path."""

import signal
import sys

from impasto._native import main as _main


def main() -> int:
    """Run the program with the arguments of the process, and return its exit code.

    Ctrl-C is the program's own matter, so Python's handler gives way: it would only raise when the program has returned.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _main(sys.argv)
