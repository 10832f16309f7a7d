"""The colours of pictures and pages: one table, with a dark counterpart for each, and who uses which."""

from __future__ import annotations

#: Colour on white -> its counterpart on a dark page.
DARK = {
    "#ffffff": "#0f151c",
    "#18222d": "#e3e9f0",
    "#5b6875": "#9aa7b4",
    "#dfe4ea": "#2a343f",
    "#f4f6f9": "#161e27",
    "#1463d6": "#6ea8fe",
    "#6f9bd8": "#4f7dba",
    "#c2570c": "#f5a65b",
    "#7a3fd0": "#b794f6",
    "#a86400": "#e9b949",
    "#17783a": "#56d07f",
    "#c8202c": "#ff7b81",
    "#0b7285": "#4ecbdc",
    "#e9defb": "#33264d",
    "#d3e5fd": "#17324f",
    "#bcd6f8": "#1d4168",
    "#fdebc3": "#453612",
    "#cdeff3": "#123f46",
    "#cdefd6": "#173d25",
    "#fbd5d6": "#4d1d21",
}

PAPER, INK, FAINT, RULE, WASH = "#ffffff", "#18222d", "#5b6875", "#dfe4ea", "#f4f6f9"
VOLTAGE, SETTING, CURRENT, DISTURBANCE = "#1463d6", "#6f9bd8", "#c2570c", "#c8202c"

#: Colour of an event by its tone.
TONE = {
    "offer": "#7a3fd0",
    "download": "#1463d6",
    "update": "#a86400",
    "success": "#17783a",
    "failure": "#c8202c",
    "connection": "#0b7285",
    "boot": "#0b7285",
    "power": "#c8202c",
    "command": "#18222d",
    "supply": "#c2570c",
    "platform": "#7a3fd0",
    "note": "#5b6875",
    "other": "#5b6875",
}

#: Ground of a stage band.
STAGE = {
    "offered": "#e9defb",
    "downloading": "#d3e5fd",
    "downloaded": "#bcd6f8",
    "updating": "#fdebc3",
    "restarted": "#cdeff3",
    "upgraded": "#cdefd6",
    "failed": "#fbd5d6",
}

#: Colour of an outcome, of a test as of a run.
OUTCOME = {
    "passed": "#17783a",
    "failed": "#c8202c",
    "broken": "#a86400",
    "blocked": "#7a3fd0",
    "unfinished": "#a86400",
    "skipped": "#5b6875",
}

#: Which labels are placed first where there is no room for all.
PRIORITY = ("failure", "success", "power", "offer", "update", "download", "supply", "command", "platform", "boot")
