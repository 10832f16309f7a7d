"""What a run leaves for people: evidence, pictures, Allure, a static page, five closing lines.

The way of the data: the plugin's hooks make a `Verdict` per test (`verdicts`) and give it to `evidence.Run`, which keeps
`run.json` and the folders; `reading` turns a test's timeline into a `Course`, `picture` draws it; `allure` tells Allure;
`static` and `summary` read a finished run back and tell what it found. Nothing here imports pytest or opens a port.
"""
