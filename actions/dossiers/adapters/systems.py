"""The connected systems: one YAML file for each, with ``protocol: mapped``, ``national-sync`` or ``igate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from actions.dossiers.adapters.config import ConfigError, checked
from actions.dossiers.adapters.far_end import Limits
from actions.dossiers.adapters.igate import IGate, IGateConfig
from actions.dossiers.adapters.mapped import MappedAdapter
from actions.dossiers.adapters.mapping import Mapping
from actions.dossiers.adapters.national_sync import NationalSync, NationalSyncConfig
from actions.dossiers.adapters.remote import RemoteAdapter

_PROTOCOLS = ("mapped", "national-sync", "igate")
_SUFFIXES = {".yml", ".yaml"}


def load(file: Path, limits: Limits | None = None) -> RemoteAdapter:
    """The adapter that a file describes. Paths in it are relative to it.

    Raises:
        ConfigError: one line that names the file, the place and every mistake; no value of the file.
    """
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file.name}: cannot be read ({type(error).__name__})") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigError(f"{file.name}: not YAML{f' (line {mark.line + 1})' if mark else ''}") from None
    return make(raw, file.name, file.parent, limits)


def load_folder(folder: Path, limits: Limits | None = None) -> list[RemoteAdapter]:
    """Adapters of all YAML files in a folder, in the order of their names.

    Raises:
        ConfigError: see :func:`load`; also for two systems of the same name.
    """
    files = sorted(file for file in folder.iterdir() if file.suffix in _SUFFIXES)
    adapters = [load(file, limits) for file in files]
    names = [adapter.name for adapter in adapters]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ConfigError(f"{folder.name}: two systems have the name {twice}")
    return adapters


def make(raw: Any, where: str, folder: Path = Path(), limits: Limits | None = None) -> RemoteAdapter:
    """The adapter of a description that is already read; ``where`` names it in errors.

    Raises:
        ConfigError: see :func:`load`.
    """
    if isinstance(raw, dict) and isinstance(raw.get("ca_file"), str):
        raw = raw | {"ca_file": folder / raw["ca_file"]}
    protocol = raw.get("protocol", "mapped") if isinstance(raw, dict) else "mapped"
    if protocol == "national-sync":
        return NationalSync(checked(NationalSyncConfig, raw, where), limits)
    if protocol == "igate":
        return IGate(checked(IGateConfig, raw, where), limits)
    if protocol == "mapped":
        return MappedAdapter(checked(Mapping, raw, where), limits)
    raise ConfigError(f"{where}: protocol: must be one of {', '.join(_PROTOCOLS)}")
