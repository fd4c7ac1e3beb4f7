"""The Rasa server as a process: training its model, and how to start it beside the app."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from connectors.supervisor import Child
from knowledge.settings import ROOT, Settings

MODEL_NAME = "motcua"
_INPUTS = ("config.yml", "domain.yml", "bot", "knowledge/__init__.py", "knowledge/text.py", "knowledge/keystrokes.py", "knowledge/words.json", "knowledge/fields.py", "knowledge/fields.json", "requirements/rasa.txt")
_QUIET = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", "TF_CPP_MIN_LOG_LEVEL": "3", "RASA_TELEMETRY_ENABLED": "false", "SQLALCHEMY_SILENCE_UBER_WARNING": "1", "PYTHONWARNINGS": "ignore"}


class TrainingError(RuntimeError):
    """Rasa could not be trained; the message says what to do."""


def inputs_hash() -> str:
    """SHA-256 over everything that the trained model depends on."""
    digest = hashlib.sha256()
    for path in _input_files():
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _input_files() -> Iterator[Path]:
    for name in _INPUTS:
        path = ROOT / name
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (p for p in found if p.is_file() and p.suffix not in (".pyc", ".md"))


def is_trained(settings: Settings) -> bool:
    """Whether the model at hand was trained on the present inputs."""
    marker = settings.rasa_models_dir / "inputs.sha256"
    model = settings.rasa_models_dir / f"{MODEL_NAME}.tar.gz"
    return model.exists() and marker.exists() and marker.read_text() == inputs_hash()


def train(settings: Settings, *, quiet: bool = False) -> None:
    """Train the Rasa model into the installation's folder.

    Raises:
        TrainingError: the Rasa environment is missing or training failed.
    """
    _need_rasa(settings)
    settings.rasa_models_dir.mkdir(parents=True, exist_ok=True)
    log = settings.logs_dir / "train.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [
        *_rasa(settings), "train", "--config", "config.yml", "--domain", "domain.yml", "--data", "bot/data",
        "--out", str(settings.rasa_models_dir.resolve()), "--fixed-model-name", MODEL_NAME, "--force", "--skip-validation",
    ]  # fmt: skip
    with log.open("wb") as output:
        done = subprocess.run(command, cwd=ROOT, env=_environment(settings), stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise TrainingError(f"training Rasa failed (exit code {done.returncode}); see {log}")
    (settings.rasa_models_dir / "inputs.sha256").write_text(inputs_hash())


def children(settings: Settings) -> list[Child]:
    """The app and the Rasa server, wired to each other.

    Raises:
        TrainingError: the Rasa environment is missing.
    """
    _need_rasa(settings)
    app_url = f"http://127.0.0.1:{settings.port}"
    rasa_url = f"http://127.0.0.1:{settings.rasa_port}"
    home = str(settings.home.resolve())
    app = Child(
        name="app",
        command=[sys.executable, "-m", "uvicorn", "--factory", "connectors.app:create_app", "--host", settings.host,
                 "--port", str(settings.port), "--no-access-log", "--log-level", "warning"],
        environment=_QUIET | {"MOTCUA_HOME": home, "MOTCUA_RASA_URL": rasa_url},
        log=settings.logs_dir / "app.log",
        ready_url=f"{app_url}/healthz",
        directory=ROOT,
    )  # fmt: skip
    bot = Child(
        name="bot",
        command=[*_rasa(settings), "run", "--model", str(settings.rasa_models_dir.resolve() / f"{MODEL_NAME}.tar.gz"), "--interface", "127.0.0.1",
                 "--port", str(settings.rasa_port), "--endpoints", "endpoints.yml", "--credentials", "credentials.yml"],
        environment=_environment(settings),
        log=settings.logs_dir / "rasa.log",
        ready_url=f"{rasa_url}/webhooks/rest/",
        directory=ROOT,
    )  # fmt: skip
    return [app, bot]


def _rasa(settings: Settings) -> list[str]:
    return [str(settings.rasa_python), "-m", "rasa"]


def _environment(settings: Settings) -> dict[str, str]:
    return (
        dict(os.environ)
        | _QUIET
        | {
            "PYTHONPATH": str(ROOT),
            "MOTCUA_ACTIONS_URL": f"http://127.0.0.1:{settings.port}/api/v1/actions/webhook",
            "MOTCUA_RASA_DB": str((settings.home / "rasa-tracker.db").resolve()),
        }
    )


def _need_rasa(settings: Settings) -> None:
    if not settings.rasa_python.exists():
        raise TrainingError(f"no Rasa environment at {settings.rasa_python}: run `make install`")
