"""What made the tables, step by step: a data directory of any earlier version is brought up to date at start.

A step is never changed once released; a new one is added below.
"""

from __future__ import annotations

STEPS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE tokens (digest TEXT PRIMARY KEY, created REAL NOT NULL)",
        "CREATE TABLE projects (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, created REAL NOT NULL)",
        """CREATE TABLE products (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL,
        project INTEGER REFERENCES projects(id), product_key TEXT NOT NULL UNIQUE, product_secret TEXT NOT NULL,
        created REAL NOT NULL)""",
        """CREATE TABLE devices (id INTEGER PRIMARY KEY AUTOINCREMENT,
        product_key TEXT NOT NULL REFERENCES products(product_key), dk TEXT NOT NULL, secret TEXT NOT NULL,
        nonce TEXT NOT NULL, disabled INTEGER NOT NULL, connections INTEGER NOT NULL, model TEXT NOT NULL,
        module_version TEXT, mcu_versions JSON NOT NULL, readings JSON NOT NULL, created REAL NOT NULL, seen REAL,
        UNIQUE (product_key, dk))""",
        """CREATE TABLE packages (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
        component_type TEXT NOT NULL, package_type TEXT NOT NULL, source_version TEXT NOT NULL,
        target_version TEXT NOT NULL, remarks TEXT NOT NULL, state TEXT NOT NULL, files JSON NOT NULL,
        created REAL NOT NULL)""",
        """CREATE TABLE components (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
        identifier TEXT NOT NULL UNIQUE, type TEXT NOT NULL, created REAL NOT NULL)""",
        """CREATE TABLE plans (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
        product_key TEXT NOT NULL REFERENCES products(product_key), kind TEXT NOT NULL, status TEXT NOT NULL,
        document JSON NOT NULL, start REAL NOT NULL, "end" REAL NOT NULL, created REAL NOT NULL, activated REAL)""",
        """CREATE TABLE plan_devices (id INTEGER PRIMARY KEY AUTOINCREMENT,
        plan INTEGER NOT NULL REFERENCES plans(id), dk TEXT NOT NULL, status TEXT NOT NULL, due INTEGER NOT NULL,
        retries INTEGER NOT NULL, cancelling INTEGER NOT NULL, app INTEGER NOT NULL, appointed_from REAL,
        appointed_to REAL, refused_until REAL, started REAL, ended REAL, UNIQUE (plan, dk))""",
        "CREATE INDEX plan_devices_due ON plan_devices (due)",
        "CREATE INDEX plan_devices_dk ON plan_devices (dk)",
        """CREATE TABLE tasks (id INTEGER PRIMARY KEY AUTOINCREMENT, plan INTEGER NOT NULL REFERENCES plans(id),
        dk TEXT NOT NULL, position INTEGER NOT NULL, status TEXT NOT NULL, progress INTEGER NOT NULL,
        tries INTEGER NOT NULL, source_version TEXT NOT NULL, claimed INTEGER NOT NULL, connection INTEGER NOT NULL,
        UNIQUE (plan, dk, position))""",
        "CREATE INDEX tasks_dk ON tasks (dk, status)",
        """CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, plan INTEGER NOT NULL, dk TEXT NOT NULL,
        time REAL NOT NULL, text TEXT NOT NULL, component TEXT NOT NULL)""",
        "CREATE INDEX log_device ON log (plan, dk)",
        """CREATE TABLE verifications (id INTEGER PRIMARY KEY AUTOINCREMENT,
        package INTEGER NOT NULL REFERENCES packages(id), plan INTEGER NOT NULL REFERENCES plans(id), dk TEXT NOT NULL,
        component TEXT NOT NULL, state TEXT NOT NULL, started REAL NOT NULL, deadline REAL NOT NULL)""",
    ),
    (  # 2: what the App's user set for a device, and removed from sight
        "ALTER TABLE devices ADD COLUMN auto_upgrade INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE plan_devices ADD COLUMN app_deleted INTEGER NOT NULL DEFAULT 0",
    ),
)
