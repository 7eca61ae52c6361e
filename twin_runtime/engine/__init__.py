"""The tick, a pure function of state, readings and inputs, and what it rests on."""
