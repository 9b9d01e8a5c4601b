"""Packages of npm's that the tests run against the service."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

PACKAGES = ("openid-client@6.8.9", "oauth4webapi@3.8.8", "jose@6.2.17")
INSTALLED = Path(tempfile.gettempdir()) / f"muniment-{'-'.join(PACKAGES)}-{os.getuid()}"


def installed() -> Path:
    """A directory that holds the packages, kept from one run to the next. Without npm, or a way to its registry, the test is skipped."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed")
    if not (INSTALLED / "installed").exists():
        INSTALLED.mkdir(exist_ok=True)
        (INSTALLED / "package.json").write_text('{"private": true, "type": "module"}')
        command = [
            "npm",
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--prefer-offline",
            "--fetch-retries=0",
            *PACKAGES,
        ]
        try:
            subprocess.run(command, cwd=INSTALLED, check=True, capture_output=True, timeout=20)
        except subprocess.SubprocessError as fault:
            pytest.skip(f"npm cannot install {' and '.join(PACKAGES)}: {fault}")
        (INSTALLED / "installed").touch()
    return INSTALLED
