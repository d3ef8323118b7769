"""Certificates that the tests of TLS make for themselves."""

import shutil
import subprocess

import pytest

# made at once, where RSA's primes take up to a second a key
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def openssl(*words, cwd):
    subprocess.run(["openssl", *words], check=True, cwd=cwd, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A certificate for localhost by an authority, and another authority that has signed nothing here."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("tls")
    for name in ("ca", "other"):
        openssl(
            *("req", "-x509", *NEW_KEY, "-keyout", f"{name}.key", "-out", f"{name}.pem"),
            *("-subj", f"/CN={name}", "-days", "2", "-addext", "basicConstraints=critical,CA:true"),
            cwd=folder,
        )
    openssl(
        *("req", *NEW_KEY, "-keyout", "server.key", "-out", "server.csr"),
        *("-subj", "/CN=localhost"),
        cwd=folder,
    )
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    openssl(
        *("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
        *("-out", "server.pem", "-days", "2", "-extfile", "names"),
        cwd=folder,
    )
    return folder
