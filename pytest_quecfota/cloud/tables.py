"""The platform's tables, as SQLAlchemy sees them; `migrations` makes them."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _real(name: str, *, nullable: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Float, nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=nullable)


def _json(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.JSON, nullable=False)


tokens = sa.Table("tokens", METADATA, sa.Column("digest", sa.Text, primary_key=True), _real("created"))
projects = sa.Table("projects", METADATA, _id(), _text("name"), _real("created"))
products = sa.Table(
    "products",
    METADATA,
    _id(),
    _text("name"),
    _number("project", nullable=True),
    _text("product_key"),
    _text("product_secret"),
    _real("created"),
)
devices = sa.Table(
    "devices",
    METADATA,
    _id(),
    _text("product_key"),
    _text("dk"),
    _text("secret"),
    _text("nonce"),
    _number("disabled"),
    _number("connections"),
    _text("model"),
    sa.Column("module_version", sa.Text),
    _json("mcu_versions"),
    _json("readings"),
    _real("created"),
    _real("seen", nullable=True),
    _number("auto_upgrade"),
)
packages = sa.Table(
    "packages",
    METADATA,
    _id(),
    _text("name"),
    _text("component_type"),
    _text("package_type"),
    _text("source_version"),
    _text("target_version"),
    _text("remarks"),
    _text("state"),
    _json("files"),
    _real("created"),
)
components = sa.Table(
    "components", METADATA, _id(), _text("name"), _text("identifier"), _text("type"), _real("created")
)
plans = sa.Table(
    "plans",
    METADATA,
    _id(),
    _text("name"),
    _text("product_key"),
    _text("kind"),
    _text("status"),
    _json("document"),
    _real("start"),
    _real("end"),
    _real("created"),
    _real("activated", nullable=True),
)
plan_devices = sa.Table(
    "plan_devices",
    METADATA,
    _id(),
    _number("plan"),
    _text("dk"),
    _text("status"),
    _number("due"),
    _number("retries"),
    _number("cancelling"),
    _number("app"),
    _real("appointed_from", nullable=True),
    _real("appointed_to", nullable=True),
    _real("refused_until", nullable=True),
    _real("started", nullable=True),
    _real("ended", nullable=True),
    _number("app_deleted"),
)
tasks = sa.Table(
    "tasks",
    METADATA,
    _id(),
    _number("plan"),
    _text("dk"),
    _number("position"),
    _text("status"),
    _number("progress"),
    _number("tries"),
    _text("source_version"),
    _number("claimed"),
    _number("connection"),
)
log = sa.Table("log", METADATA, _id(), _number("plan"), _text("dk"), _real("time"), _text("text"), _text("component"))
verifications = sa.Table(
    "verifications",
    METADATA,
    _id(),
    _number("package"),
    _number("plan"),
    _text("dk"),
    _text("component"),
    _text("state"),
    _real("started"),
    _real("deadline"),
)
