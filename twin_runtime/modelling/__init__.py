"""How a model is written: variables and priors, physics, the ensemble and its random numbers."""
