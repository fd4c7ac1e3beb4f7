"""Every setting of motcua, declared once; each is an environment variable ``MOTCUA_…``.

``docs/settings.md`` lists them; a test keeps the table complete.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
"""The checkout, which holds Rasa's files and what the project ships."""


class Settings(BaseSettings):
    """Settings of one installation."""

    model_config = SettingsConfigDict(env_prefix="MOTCUA_", extra="ignore")

    home: Path = Field(Path("var"), description="Folder of this installation: database, indexes, models, logs.")
    database_url: str | None = Field(
        None, description="SQLAlchemy URL of the database; without it, a SQLite file in the home folder."
    )
    encoder: str = Field(
        str(ROOT / "knowledge" / "models" / "vi-e5-small"),
        description="Folder of the sentence-transformers model that turns text into vectors.",
    )
    encoder_runtime: Literal["sentence-transformers", "onnxruntime"] = Field(
        "onnxruntime",
        description="What runs an ONNX model: onnxruntime alone starts faster and needs less memory, with the same vectors.",
    )
    encoder_threads: int = Field(1, ge=1, description="Threads for embedding many texts at once (building the index).")
    rasa_url: str = Field("http://127.0.0.1:5005", description="Where the Rasa server answers.")
    rasa_python: Path = Field(
        ROOT / ".venv-rasa" / "bin" / "python", description="The Python of the Rasa environment."
    )
    rasa_timeout_s: float = Field(8.0, gt=0, description="Seconds to wait for Rasa before answering without it.")
    rasa_concurrency: int = Field(8, ge=1, description="Turns sent to Rasa at the same time; others wait their turn.")
    host: str = Field("127.0.0.1", description="Address that the app listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port that the app listens on.")
    rasa_port: int = Field(5005, ge=1, le=65535, description="Port that `motcua serve` gives to the Rasa server.")
    hotline: str = Field(
        "", description="Telephone number shown when a person is needed; empty shows the office's own desk instead."
    )
    office: str = Field(
        "bộ phận một cửa nơi anh/chị ở", description="How answers name the office, for example a commune's one-stop desk."
    )
    portal_url: str = Field("https://dichvucong.gov.vn", description="The national public-service portal.")
    rate_limit_per_minute: int = Field(
        60, ge=1, description="Messages that one conversation may send in a minute before it is asked to wait."
    )

    redis_url: str | None = Field(
        None, description="Redis for limits on tries and short-lived proofs when several apps run; without it the database counts."
    )
    dossier_systems: Path | None = Field(
        None, description="Folder of YAML files, one for each connected one-stop system (docs/dossier-mapping.md)."
    )
    dossier_agencies: list[str] = Field(
        [], description="Agency codes that the built-in registry answers for; empty: those it holds dossiers of."
    )
    dossier_timeout_s: float = Field(4.5, gt=3.5, description="Seconds until a dossier look-up is given up.")
    dossier_sync_secret: SecretStr | None = Field(
        None, description="Shared secret of the one-stop system that pushes dossiers; without it nothing is accepted."
    )
    dossier_sync_source: str | None = Field(
        None, description="How citizens are told where pushed dossiers come from."
    )
    dossier_collect_hours: str = Field(
        "", description="When results are handed out, as shown to citizens; empty says “trong giờ làm việc”."
    )

    @property
    def database(self) -> str:
        """SQLAlchemy URL of the database in use."""
        return self.database_url or f"sqlite:///{(self.home / 'motcua.db').resolve()}"

    @property
    def index_dir(self) -> Path:
        return self.home / "index"

    @property
    def rasa_models_dir(self) -> Path:
        return self.home / "rasa-models"

    @property
    def logs_dir(self) -> Path:
        return self.home / "logs"
