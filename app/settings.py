"""Settings, read once from the environment into one frozen object."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="FASTI_", frozen=True)

    database_url: str = Field(
        f"sqlite:///{ROOT / '.data' / 'fasti.db'}",
        description="Where the data is: `sqlite:///file` (the default is .data/fasti.db) or `postgresql://…`.",
    )
    replica_urls: str = Field("", description="Read replicas of a `postgresql://…` database, separated by commas.")
    seed_dir: Path = Field(ROOT / "seed", description="The folder whose sub-folders are the packs.")
    source_dir: Path | None = Field(None, description="A folder with the texts of sources that may not be shipped.")
    refresh_seconds: float = Field(0.5, ge=0, description="How often a server looks for a newer revision.")
    query_seconds: float = Field(5, gt=0, description="The longest a query may take before it is answered with 503.")
    connections: int = Field(2_000, gt=0, description="How many clients a process has at once.")
    cache_bytes: int = Field(32_000_000, ge=0, description="How much of its answers a process keeps; 0 keeps none.")
    hosts: str = Field("", description="The names this server answers to, separated by commas; without any, to all.")
    log: Literal["plain", "json"] = Field("plain", description="Whether logs are lines for people or JSON.")
    access_log: bool = Field(False, description="Whether each request is a line in the log.")
    metrics: bool = Field(False, description="Whether /metrics has counts for Prometheus.")
    mcp: bool = Field(False, description="Whether agents are served at /mcp, which needs the extra `fasti[mcp]`.")
