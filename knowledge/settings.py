"""Every setting of motcua, declared once; each is an environment variable ``MOTCUA_…``.

``docs/settings.md`` lists them; a test keeps the table complete.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
"""The checkout, which holds Rasa's files and what the project ships."""


class Settings(BaseSettings):
    """Settings of one installation."""

    model_config = SettingsConfigDict(env_prefix="MOTCUA_", env_ignore_empty=True, extra="ignore")

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

    zalo_app_id: str | None = Field(
        None, pattern=r"^\d{1,40}$", description="Zalo application's id; with the application's secret it switches the Zalo channel on (docs/zalo.md)."
    )
    zalo_app_secret: SecretStr | None = Field(
        None, description="Zalo application's secret key, for fetching access tokens."
    )
    zalo_oa_secret: SecretStr | None = Field(
        None, description="Secret that Zalo signs webhook calls with; without it, the application's secret is used."
    )
    zalo_oa_id: str | None = Field(
        None, pattern=r"^\d{1,40}$", description="Id of the Official Account; consent given by any other account is refused."
    )
    zalo_code_verifier: SecretStr | None = Field(
        None, description="PKCE verifier, 43 characters, whose challenge is saved in Zalo's developer console."
    )
    zalo_site_verifier: str | None = Field(
        None, pattern=r"^[A-Za-z0-9_-]{1,100}$", description="Code by which Zalo verifies that this site is ours."
    )
    zalo_signature: Literal["reject", "report"] = Field(
        "reject", description="What happens to webhook calls with a wrong signature: refused, or only counted (for set-up)."
    )
    zalo_replay_window_s: int = Field(
        14_400, ge=60, description="Seconds by which a webhook call may be old; Zalo itself repeats calls for two hours."
    )
    zalo_button_style: Literal["bare", "button"] = Field(
        "bare", description="Envelope of Zalo's buttons: bare, or with template_type button; the text lists the choices too."
    )
    zalo_pace_per_s: float = Field(10.0, gt=0, description="Messages sent to Zalo in a second, all processes together.")
    zalo_staff_pause_min: int = Field(
        60, ge=1, description="Minutes that the bot is silent after an officer wrote to somebody in Zalo's OA Manager."
    )
    zalo_api_url: str = Field("https://openapi.zalo.me", description="Where Zalo's Official Account API answers.")
    zalo_oauth_url: str = Field("https://oauth.zaloapp.com", description="Where Zalo hands out access tokens.")

    staff_idle_minutes: int = Field(
        60, ge=30, le=480, description="Minutes without any use after which a member of staff must sign in again."
    )
    staff_session_hours: int = Field(
        10, ge=1, le=24, description="Hours after which a member of staff must sign in again in any case."
    )
    staff_oidc_issuer: str | None = Field(
        None, description="Issuer URL of the office's OpenID Connect provider; without it staff sign in by password only."
    )
    staff_oidc_client_id: str = Field("motcua", description="Client id at the OpenID Connect provider.")
    staff_oidc_client_secret: SecretStr | None = Field(
        None, description="Client secret at the OpenID Connect provider; without it the app is a public client."
    )
    staff_oidc_label: str = Field(
        "tài khoản của cơ quan", description="How the sign-in page names signing in through the provider."
    )
    staff_oidc_role_claim: str = Field(
        "roles", description="Claim of the ID token that tells the roles; dots lead into objects (realm_access.roles)."
    )
    staff_oidc_roles: dict[str, Literal["agent", "supervisor", "officer", "admin"]] = Field(
        {}, description="JSON object from values of that claim to roles here; the first that fits is the account's role."
    )
    staff_oidc_default_role: Literal["agent", "supervisor", "officer", "admin"] | None = Field(
        None, description="Role of accounts made at their first sign-in through the provider; without it none is made."
    )

    commune: str = Field(
        "", max_length=120, description="The office's own unit as reports name it, for example Xã Tân Lập; may be empty."
    )
    public_url: str | None = Field(
        None, pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$", description="Address of this installation for citizens, as QR codes print it, for example https://motcua.example.vn."
    )
    survey_offices: list[str] = Field(
        [], description="Names of offices that survey pages take as don-vi, besides the own commune and the communes of the country."
    )
    survey_rate_limit_per_hour: int = Field(
        120, ge=1, description="Survey answers and petitions taken from one network address in an hour; many phones share one address."
    )

    telegram_token: SecretStr | None = Field(
        None, description="Token of the Telegram bot, from @BotFather; it switches the Telegram channel on (docs/telegram.md)."
    )
    telegram_webhook_url: str | None = Field(
        None, description="Public HTTPS address of /api/v1/webhooks/telegram, told to Telegram at start-up; without it, `motcua telegram` fetches messages."
    )
    telegram_timeout_s: float = Field(10.0, gt=0, le=60, description="Seconds until a call of Telegram's Bot API is given up.")
    telegram_api_url: str = Field("https://api.telegram.org", description="Where Telegram's Bot API answers.")

    transcript_days: int = Field(
        30, ge=1, le=30, description="Days for which conversations are kept for staff and for the web page, personal numbers masked."
    )
    office_hours: str = Field(
        "T2-T6 07:30-11:30, 13:30-17:00", description="When people can be reached: days T2 (Monday) to T7 and CN (Sunday), groups divided by semicolons; empty: not known."
    )
    rate_limit_per_address: int = Field(
        600, ge=1, description="Messages that one network address may send in a minute; many people may share one."
    )
    rate_limit_per_channel: int = Field(
        6_000, ge=1, description="Messages that are taken from one channel in a minute, all processes together."
    )
    body_limit_kb: int = Field(
        256, ge=16, description="Largest request that is read, in KiB."
    )
    webhook_body_limit_kb: int = Field(
        1_024, ge=16, description="Largest delivery of a channel that is read, in KiB."
    )

    web_origins: list[Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#]+$")]] = Field(
        [], description="Websites whose pages may carry the widget, as origins, for example [\"https://xatanlap.example.vn\"]."
    )
    web_require_token: Literal["cross-origin", "always"] = Field(
        "cross-origin", description="Who must show a session's token on the web channel: pages of other websites, or everybody."
    )
    web_token_s: int = Field(3_600, ge=60, description="Seconds for which a web session's token is good; the widget renews it.")
    web_session_hours: int = Field(
        24, ge=21, description="Hours after which a web session is over; more than 20, so that nobody is hurried (WCAG 2.2.1)."
    )

    console_calls_secret: SecretStr | None = Field(
        None, description="Secret that the telephone system shows when it tells of calls; without it none are taken (docs/hotline.md)."
    )
    console_approve_answers: bool = Field(
        False, description="Whether the bot's answers about procedures wait until a supervisor sends them (docs/hotline.md)."
    )
    hotline_call_days: int = Field(365, ge=1, description="Days for which the hotline's calls are kept for reports, without numbers.")

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
