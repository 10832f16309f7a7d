"""The tests that run on rigs need one: `pytest --rig virtual`, or `pytest --rig bench2` on hardware."""
