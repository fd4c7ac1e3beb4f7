"""Fixtures for the bot: a trained model and a running Rasa server with the stand-in for the actions."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bot import fake_actions
from tests.conftest import unavailable

ROOT = Path(__file__).resolve().parents[2]
PYTHON = Path(os.environ.get("MOTCUA_RASA_PYTHON", ROOT / ".venv-rasa" / "bin" / "python"))
INPUTS = [
    "config.yml",
    "domain.yml",
    "requirements/rasa.txt",
    "bot/data/**/*.yml",
    "bot/responses/*.yml",
    "bot/components/*.py",
    "knowledge/__init__.py",
    "knowledge/text.py",
    "knowledge/words.json",
    "knowledge/fields.py",
    "knowledge/fields.json",
]
"""Files that a trained model depends on."""
QUIET = {
    "RASA_TELEMETRY_ENABLED": "false",
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "LOG_LEVEL": "INFO",
    "PYTHONWARNINGS": "ignore",
    "PYTHONPATH": str(ROOT),
}


class Rasa:
    """Talks to a running Rasa server over its REST channel; knows its log and its file of talks."""

    def __init__(self, url: str, log: Path, talks: Path) -> None:
        self.url = url
        self.log = log
        self.talks = talks

    def say(self, text: str, sender: str) -> list[dict[str, Any]]:
        request = urllib.request.Request(
            f"{self.url}/webhooks/rest/webhook",
            json.dumps({"sender": sender, "message": text}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    def seen(self, text: str, sender: str) -> dict[str, Any]:
        """What the stand-in for the actions saw of ``text``."""
        customs = [message["custom"] for message in self.say(text, sender) if "custom" in message]
        return customs[0]["seen"]


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for pattern in INPUTS:
        for file in sorted(ROOT.glob(pattern)):
            digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


@pytest.fixture(scope="session")
def rasa_model() -> Path:
    """A model trained from the files as they are; kept in ``var/`` and trained again when they change."""
    if not PYTHON.exists():
        unavailable(f"no Rasa environment at {PYTHON}")
    models = ROOT / "var" / "test-rasa-models"
    model = models / f"{_fingerprint()}.tar.gz"
    if not model.exists():
        for old in models.glob("*.tar.gz"):
            old.unlink()
        command = [PYTHON, "-m", "rasa", "train", "--skip-validation", "--config", "config.yml"]
        command += [
            "--domain",
            "domain.yml",
            "--data",
            "bot/data",
            "--out",
            models,
            "--fixed-model-name",
            model.name.removesuffix(".tar.gz"),
        ]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | QUIET, capture_output=True, text=True, check=False)
        assert done.returncode == 0 and model.exists(), done.stdout[-2000:] + done.stderr[-2000:]
    return model


@pytest.fixture(scope="session")
def rasa(rasa_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rasa]:
    """A Rasa server with the trained model, its actions answered by ``fake_actions``."""
    folder = tmp_path_factory.mktemp("rasa")
    actions = fake_actions.serve()
    threading.Thread(target=actions.serve_forever, daemon=True).start()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | QUIET
    environment["MOTCUA_ACTIONS_URL"] = f"http://127.0.0.1:{actions.server_address[1]}/webhook"
    environment["MOTCUA_RASA_DB"] = str(talks := folder / "rasa.db")
    command = [PYTHON, "-m", "rasa", "run", "--model", rasa_model, "--port", str(port), "--interface", "127.0.0.1"]
    command += ["--endpoints", "endpoints.yml", "--credentials", "credentials.yml"]
    log = folder / "rasa.log"
    with log.open("wb") as out:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        client = Rasa(f"http://127.0.0.1:{port}", log, talks)
        for _ in range(600):
            assert server.poll() is None, log.read_text()[-3000:]
            try:
                client.say("/greet", "start")
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.2)
        else:
            pytest.fail(f"Rasa did not start: {log.read_text()[-3000:]}")
        yield client
    finally:
        server.terminate()
        server.wait(20)
        actions.shutdown()
