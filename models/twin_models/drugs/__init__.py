"""Pharmacology: where a drug goes in the body, and what it does there. Doses and infusions in, concentrations out."""
