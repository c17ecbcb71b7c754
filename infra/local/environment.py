"""The environment of every process started here: the emulator's address, and nobody's real AWS account."""

import os
from urllib.parse import urlsplit

from infra.local.home import ENVIRONMENTS, REGION, SHARED

# All that is taken over from the caller. An AWS profile, key or region of theirs never is.
INHERITED = ("HOME", "LANG", "LC_ALL", "SSL_CERT_FILE", "TERM", "TMPDIR", "USER", "XDG_CACHE_HOME")
# MiniStack takes this key as its account's root: it opens nothing anywhere else.
OPERATOR_KEY = "test"
TOOLS = ("uv", "sam")
# What fetches packages goes out as the caller's shell does, and to the same index.
WAY_OUT = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_DIR")
PACKAGES = ("UV_CACHE_DIR", "UV_DEFAULT_INDEX", "UV_FIND_LINKS", "UV_INDEX", "UV_INDEX_URL", "UV_OFFLINE")


def tool_environment() -> dict[str, str]:
    """Give a process our tools and nothing that could reach AWS."""
    path = [str(ENVIRONMENTS / tool / "bin") for tool in TOOLS]
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return kept | {
        "PATH": os.pathsep.join([*path, os.environ.get("PATH", os.defpath)]),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DEFAULT_REGION": REGION,
        "SAM_CLI_TELEMETRY": "0",
        # Keeps its notes here instead of in the home folder.
        "__SAM_CLI_APP_DIR": str(SHARED / "sam"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def build_environment() -> dict[str, str]:
    """Give a process our tools, and the caller's way to the packages that a build fetches."""
    names = {*WAY_OUT, *(name.lower() for name in WAY_OUT), *PACKAGES}
    return tool_environment() | {name: os.environ[name] for name in names if name in os.environ}


def aws_environment(endpoint_url: str) -> dict[str, str]:
    """Point a process's AWS calls at the emulator."""
    host = urlsplit(endpoint_url).hostname
    if host != "127.0.0.1":
        message = f"the local stack is on 127.0.0.1, received {host}"
        raise ValueError(message)
    return tool_environment() | {
        "AWS_ACCESS_KEY_ID": OPERATOR_KEY,
        "AWS_SECRET_ACCESS_KEY": OPERATOR_KEY,
        "AWS_ENDPOINT_URL": endpoint_url,
        "NO_PROXY": "127.0.0.1,localhost",
    }
