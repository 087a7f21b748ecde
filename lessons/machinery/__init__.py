"""How a lesson becomes a notebook: read it, make the learner's and the solved version, run it, keep the rules."""
