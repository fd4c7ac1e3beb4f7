"""All systems of an installation that hold dossiers, as settings name them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine

from actions.dossiers.adapters.config import ConfigError
from actions.dossiers.adapters.systems import load_folder
from actions.dossiers.registry import Registry
from actions.dossiers.routing import Dossiers, Patience
from actions.secret_key import installation_key


def connect(
    engine: Engine,
    home: Path,
    systems: Path | None = None,
    timeout_s: float = Patience.overall_s,
    agencies: Sequence[str] = (),
) -> Dossiers:
    """The built-in registry and the systems described in a folder.

    Args:
        engine: the installation's database, migrated.
        home: the installation's folder, with its secret key.
        systems: folder of YAML files, one for each system; None for the registry alone.
        timeout_s: seconds until the asker gets a result, at most.
        agencies: agency codes that the registry answers for; without any, those that it holds dossiers of.

    Raises:
        ConfigError: the folder is not there, or a description in it has mistakes.
    """
    if systems and not systems.is_dir():
        raise ConfigError(f"{systems.name}: no such folder of one-stop systems")
    remote = load_folder(systems) if systems else []
    return Dossiers([Registry(engine, installation_key(home), agencies), *remote], Patience(overall_s=timeout_s))
