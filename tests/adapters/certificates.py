"""Certificates made on the spot: an authority, and what it signs for 127.0.0.1."""

import subprocess
from pathlib import Path

from tests.servers import program


def openssl(folder: Path, *arguments: str) -> None:
    """Run openssl in a folder."""
    subprocess.run([program("openssl", "openssl"), *arguments], cwd=folder, check=True, capture_output=True)


def authority(folder: Path, name: str = "ca") -> Path:
    """A new authority; returns its certificate."""
    subject = ["-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE"]
    openssl(folder, "req", "-x509", *_new_key(name), *subject, "-days", "2", "-out", f"{name}.crt")
    return folder / f"{name}.crt"


def signed(folder: Path, name: str, ca: str = "ca") -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 signed by an authority of this folder, and its key."""
    openssl(folder, "req", *_new_key(name), "-subj", f"/CN={name}", "-out", f"{name}.csr")
    (folder / "san").write_text("subjectAltName=IP:127.0.0.1")
    by = ["-CA", f"{ca}.crt", "-CAkey", f"{ca}.key", "-CAcreateserial", "-days", "2", "-extfile", "san"]
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", *by, "-out", f"{name}.crt")
    return folder / f"{name}.crt", folder / f"{name}.key"


def _new_key(name: str) -> list[str]:
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key"]
