"""`sam build` for this machine's processor, when a source has changed."""

from infra.local.alone import alone
from infra.local.environment import build_environment
from infra.local.home import BUILD, BUILD_CACHE, REPOSITORY
from infra.local.sam import run_sam
from infra.local.sources import digest_sources

DIGEST = BUILD.with_suffix(".digest")
LOCK = BUILD.with_suffix(".lock")


def build() -> tuple[str, bool]:
    """Build what changed; give the sources' digest and whether anything was built."""
    with alone(LOCK):
        digest = digest_sources()
        if DIGEST.exists() and DIGEST.read_text() == digest:
            return digest, False
        DIGEST.unlink(missing_ok=True)
        _run_sam_build()
        DIGEST.write_text(digest)
        return digest, True


def _run_sam_build() -> None:
    arguments = [
        "build",
        "--cached",
        "--parallel",
        "--build-dir",
        str(BUILD),
        "--cache-dir",
        str(BUILD_CACHE),
    ]
    run_sam(arguments, folder=REPOSITORY, environment=build_environment() | {"LAYER_PLATFORM": "host"})
