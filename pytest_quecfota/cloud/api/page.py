"""The page at `/`: what this is and where its parts are."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Developer Center</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}code{background:#eee}</style>
</head><body><h1>Developer Center</h1>
<p>The embedded OTA platform of pytest-quecfota. It is driven over HTTP under <code>/api/v1</code> with the token that was
printed when it started; <a href="/openapi.json">openapi.json</a> describes every call.</p></body></html>
"""


@router.get("/")
async def show_page() -> HTMLResponse:
    """The page."""
    return HTMLResponse(_PAGE)
