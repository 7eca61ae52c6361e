"""A patient by parts: heart, vessels, reflexes, blood gases and lungs, each usable alone or coupled to the others."""
