"""The server as a person starts it."""

import shutil
import subprocess
import sys
from contextlib import contextmanager

from app.settings import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
"""The browser that the explorer is looked at in; None where there is none."""


@contextmanager
def serving(*words):
    """`fasti serve` as a process of its own, and its address."""
    command = [sys.executable, "-m", "app.cli", "serve", "--port", "0", *words]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            told = next(line for line in process.stderr if line.startswith("Fasti is at "))
            yield process, told.split()[3].rstrip(":")
        finally:
            process.terminate()
