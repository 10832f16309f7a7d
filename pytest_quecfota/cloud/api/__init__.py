"""HTTP for people and apps: one module per resource, pydantic models beside their routes."""
